/**
 * One thread of a crew, as who started it sees it.
 */
import { Worker } from "node:worker_threads";
import { type Deferred, deferred, QuorateError } from "@quorate/core";
import type { Chunk, PlainError, SeedReport, ThreadData, ThreadMessage } from "./protocol.ts";

/** How threads are started. */
export interface MemberOptions {
  readonly data: ThreadData;
  /** Flags of Node.js for the thread; without, as this process has them. */
  readonly execArgv: readonly string[] | undefined;
  /** URL of a module that the thread imports before anything else. */
  readonly setup: string | undefined;
  /** Hears of each seed, as it ends. */
  readonly onSeed: (index: number, report: SeedReport) => void;
}

/** A thread that takes chunks of seeds. */
export class Member {
  readonly #worker: Worker;
  #chunk: Deferred<void> | undefined;

  constructor({ data, execArgv, setup, onSeed }: MemberOptions) {
    const flags = execArgv === undefined ? {} : { execArgv: [...execArgv] };
    const options = { workerData: data, ...flags };
    this.#worker =
      setup === undefined
        ? new Worker(threadFile(), options)
        : new Worker(afterSetup(setup), { ...options, eval: true });
    this.#worker.on("message", (message: ThreadMessage) => {
      if (message.kind === "seed") onSeed(message.index, message.outcome);
      else if (message.kind === "done") this.#chunk?.resolve();
      else this.#chunk?.reject(broken(message.error));
    });
    // What a thread itself could not catch, such as running out of memory.
    this.#worker.on("error", (error) => this.#chunk?.reject(broken(error)));
    this.#worker.on("exit", (code) => {
      const message = `ended with exit code ${code} in the middle of its work`;
      this.#chunk?.reject(broken({ name: "Error", message, stack: "" }));
    });
  }

  /** Runs a chunk; rejects if the thread breaks. Resolves also after a seed that failed. */
  run(chunk: Chunk): Promise<void> {
    this.#chunk = deferred<void>();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
    this.#worker.postMessage(chunk);
    return this.#chunk.promise;
  }

  /** Ends the thread, in the middle of a seed if need be. */
  async stop(): Promise<void> {
    this.#chunk?.resolve();
    await this.#worker.terminate();
  }
}

/** Beside this file in the sources; in `dist`, where files are joined, an entry of its own. */
function threadFile(): URL {
  const isSource = import.meta.url.endsWith(".ts");
  return new URL(isSource ? "./worker.ts" : "./workers/worker.js", import.meta.url);
}

/** A script that sets the thread up, then does as the thread's file says. */
function afterSetup(setup: string): string {
  const [first, then] = [JSON.stringify(setup), JSON.stringify(threadFile().href)];
  return `import(${first}).then(() => import(${then}));`;
}

function broken({ name, message, stack = "" }: Partial<PlainError>): QuorateError {
  const cause = Object.assign(new Error(message), { name, stack });
  const text = `a thread of the simulation broke: ${name}: ${message}`;
  return new QuorateError("SIMULATION_FAILED", text, {
    effect: "none",
    details: { seed: "all", claim: "threads work", atMs: 0, node: "", replay: "" },
    cause,
  });
}
