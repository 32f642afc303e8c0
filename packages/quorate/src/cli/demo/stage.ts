/**
 * The stage: starts a demo's processes, answers them, kills them, and clears up after the story.
 *
 * Guarantees: when `clear` has resolved no process is left, however the story ended, and what it
 * stored in memory is gone. Does not guarantee that of a server: its keys end by their TTLs, or
 * stay, in a namespace of the demo's own.
 */
import { deferred, type Ms, systemRuntime, withDeadline } from "@quorate/core";
import { memoryBackend } from "@quorate/memory";
import { connect } from "../../connect.ts";
import type { Quorate } from "../../quorate.ts";
import { Loan } from "./lend.ts";
import { backendOver } from "./lent.ts";
import type { FromPod, PodFacts, ToPod } from "./pod.ts";
import type { Actor, Answerer, Stage, Word } from "./story.ts";

/** Nothing in a demo takes longer, on a slow machine either. */
const PATIENCE_MS: Ms = 30_000;

/** A process, as the stage holds it. */
export interface Puppet {
  send(message: ToPod): void;
  /** SIGKILL. */
  kill(): void;
  /** Ends its freeze. */
  thaw(): void;
  /** It said that it has ended: lets it go. */
  release(): void;
  /** Says how it ended. */
  readonly exited: Promise<string>;
}

/** Starts a process; `hear` is called with all that it says. */
export type Hire = (facts: PodFacts, hear: (message: FromPod) => void) => Puppet;

/** What a stage is built of. */
export interface StageOptions {
  readonly demo: string;
  /** The server to use; absent: a store in this process, lent to the others. */
  readonly url: string | undefined;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  readonly hire: Hire;
}

/** A stage, to be cleared. */
export interface OpenStage extends Stage {
  clear(): Promise<void>;
}

/** Builds a stage. */
export async function openStage(options: StageOptions): Promise<OpenStage> {
  const { url } = options;
  const namespace = `quorate-demo-${systemRuntime.ids.operation()}`;
  const memory = memoryBackend({ namespace });
  const { kv, bus, capabilities } = memory;
  const q =
    url === undefined
      ? await connect(backendOver({ kv, bus, runtime: systemRuntime }, capabilities))
      : await connect(url, { namespace, signal: options.signal });
  return new PuppetStage(options, { q, namespace, memory });
}

interface House {
  readonly q: Quorate;
  readonly namespace: string;
  readonly memory: ReturnType<typeof memoryBackend>;
}

class PuppetStage implements OpenStage {
  readonly runtime = systemRuntime;
  readonly q: Quorate;
  readonly #options: StageOptions;
  readonly #house: House;
  readonly #alive = new Set<Puppet>();
  readonly #failed = deferred<never>();
  #beganMs: Ms | undefined;
  #answerer: Answerer = () => null;

  constructor(options: StageOptions, house: House) {
    this.#options = options;
    this.#house = house;
    this.q = house.q;
    this.#failed.promise.catch(() => {}); // Heard by `until`, where somebody waits.
  }

  say(line: string): void {
    const nowMs = this.runtime.time.monotonicMs();
    // From its first line on: how long Node takes to start is no part of the story.
    this.#beganMs ??= nowMs;
    const seconds = (nowMs - this.#beganMs) / 1_000;
    this.#options.say(`  ${seconds.toFixed(2).padStart(5)} s  ${line}`);
  }

  answer(answerer: Answerer): void {
    this.#answerer = answerer;
  }

  until<T>(what: string, promise: Promise<T>): Promise<T> {
    return withDeadline(this.runtime, Promise.race([promise, this.#failed.promise]), {
      timeoutMs: PATIENCE_MS,
      signal: this.#options.signal,
      onTimeout: () => new Error(`${what} did not come within ${PATIENCE_MS / 1_000} s`),
    });
  }

  async start(name: string, word: Word = null): Promise<Actor> {
    const ready = deferred<void>();
    const loan = new Loan(this.#house.memory, (message) => puppet.send(message));
    const puppet: Puppet = this.#options.hire(this.#factsOf(name, word), (message) => {
      if (message.kind === "ready") ready.resolve();
      else if (message.kind === "ended") this.#ended(name, puppet, message.why);
      else if (message.kind === "ask") void this.#answer(name, puppet, message);
      else void loan.hear(message);
    });
    this.#alive.add(puppet);
    let isExpected = false;
    void puppet.exited.then((how) => {
      this.#alive.delete(puppet);
      loan.end();
      if (!isExpected) this.#failed.reject(new Error(`${name} ended by itself: ${how}`));
    });
    await this.until(`the start of ${name}`, ready.promise);
    const end = async (how: () => void): Promise<void> => {
      isExpected = true;
      how();
      await this.until(`the end of ${name}`, puppet.exited);
    };
    return {
      name,
      thaw: () => puppet.thaw(),
      kill: () => end(() => puppet.kill()),
      dismiss: () => end(() => puppet.send({ kind: "dismiss" })),
    };
  }

  async clear(): Promise<void> {
    const left = [...this.#alive];
    for (const puppet of left) puppet.kill();
    await Promise.all(left.map(({ exited }) => exited));
    await this.q.close({ graceMs: 0 });
    await this.#house.memory.close({ graceMs: 0 });
  }

  #factsOf(name: string, word: Word): PodFacts {
    const { demo, url } = this.#options;
    const { namespace, memory } = this.#house;
    const facts = { demo, name, word, namespace, capabilities: memory.capabilities };
    return url === undefined ? facts : { ...facts, url };
  }

  #ended(name: string, puppet: Puppet, why: string | undefined): void {
    if (why !== undefined) this.#failed.reject(new Error(`${name}: ${why}`));
    puppet.release();
  }

  async #answer(
    name: string,
    puppet: Puppet,
    { call, what, word }: Extract<FromPod, { kind: "ask" }>,
  ): Promise<void> {
    try {
      puppet.send({ kind: "answer", call, word: await this.#answerer(name, what, word) });
    } catch (error) {
      this.#failed.reject(error);
    }
  }
}
