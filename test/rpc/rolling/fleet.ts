/**
 * Servers in processes of their own, replaced one after another, and callers that never pause.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { isQuorateError, type Ms } from "@quorate/core";
import type { Client } from "@quorate/rpc";

import type { Clock } from "./contract.ts";

const CHILD = fileURLToPath(new URL("server.child.ts", import.meta.url));

/** Where servers live. */
export interface Site {
  readonly ENGINE: string;
  readonly URL: string;
  readonly NAMESPACE: string;
}

/** A server process. */
export class ServerChild {
  readonly process: ChildProcess;
  /** It serves. */
  readonly ready: Promise<unknown>;
  readonly #exited: Promise<unknown>;

  constructor(site: Site) {
    this.process = spawn(process.execPath, ["-C", "@quorate/source", "--import", "tsx", CHILD], {
      env: { ...process.env, ...site },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.ready = once(this.process, "message");
    this.#exited = once(this.process, "exit");
  }

  /** SIGTERM, and the code that it ended with. */
  async drain(): Promise<number | null> {
    this.process.kill("SIGTERM");
    await this.#exited;
    return this.process.exitCode;
  }

  /** If it is still there. */
  kill(): void {
    this.process.kill("SIGKILL");
  }
}

/** What callers of one client were told. */
export class Load {
  answered = 0;
  readonly failures: string[] = [];
  /** Calls answered by each process. */
  readonly byPid = new Map<number, number>();
  slowestMs: Ms = 0;
  readonly #workers: Promise<void>[];
  readonly #end: AbortController = new AbortController();

  constructor(client: Client<typeof Clock>, width: number) {
    this.#workers = Array.from({ length: width }, (_, index) => this.#work(client, index));
  }

  /** Ends it; resolves when the last call has ended. */
  async stop(): Promise<void> {
    this.#end.abort();
    await Promise.all(this.#workers);
  }

  async #work(client: Client<typeof Clock>, worker: number): Promise<void> {
    for (let count = 0; !this.#end.signal.aborted; count++) {
      const asked = `${worker}.${count}`;
      const startMs = performance.now();
      try {
        const [told, pid] = (await client.tell(asked)).split(" by ");
        if (told !== asked) this.failures.push(`asked ${asked}, told ${told}`);
        this.answered += 1;
        this.byPid.set(Number(pid), (this.byPid.get(Number(pid)) ?? 0) + 1);
      } catch (error) {
        this.failures.push(isQuorateError(error) ? error.message : String(error));
      }
      this.slowestMs = Math.max(this.slowestMs, performance.now() - startMs);
    }
  }
}
