/**
 * Many seeds over several threads: as `simulate`, and the same report, in less time.
 *
 * A world is made of functions, which cannot be sent to a thread. So a module is named, and a
 * function that it exports; each thread imports it and asks it for the options. Seeds are handed
 * out in small chunks, in order; what comes back is added up in order too, so hash, counts and the
 * failure that is told do not depend on how many threads there are, nor on which was faster.
 *
 * Does not guarantee a speed-up by the number of threads: they share caches, memory and the
 * machine with everybody else.
 */
import { availableParallelism } from "node:os";
import {
  boundedString,
  invalidArgument,
  knownOptions,
  positiveInteger,
  systemRuntime,
} from "@quorate/core";
import type { SeedLike } from "../kernel/seed.ts";
import { failed } from "../run/run-seed.ts";
import { chosenSeeds } from "../run/seeds.ts";
import { checkHits, type OnFailure, type Progress } from "../run/simulate.ts";
import { type SimulationReport, Tally } from "../run/tally.ts";
import { Member } from "./member.ts";
import type { Chunk, SeedReport } from "./protocol.ts";

/** What to simulate in threads. */
export interface WorkersOptions {
  /** The module, as `new URL("./scenario.ts", import.meta.url)`. */
  readonly module: URL;
  /** Name of a `WorkerScenario` that it exports: takes `args`, gives world, duration and such. */
  readonly export: string;
  /** For that function; must survive structured clone. @default undefined */
  readonly args?: unknown;
  /** How many seeds, from 1; or which. */
  readonly seeds: number | Iterable<SeedLike>;
  /** Threads. @default as many as the machine runs at once */
  readonly workers?: number;
  /** Flags of Node.js for the threads. @default as this process */
  readonly execArgv?: readonly string[];
  /**
   * A module that each thread imports before anything else, such as one that registers a loader:
   * a thread of Node 20 does not inherit the one that reads TypeScript. @default none
   */
  readonly setup?: URL;
  /** Names of faults, events and marks that at least one seed must hit. */
  readonly mustHit?: readonly string[];
  /** The first failing seed ends all, with an error or a report, or is kept. @default "throw" */
  readonly onFailure?: OnFailure;
  /** Stops all threads at once, in the middle of their seeds. */
  readonly signal?: AbortSignal;
  /** Called after each seed. */
  readonly onProgress?: (progress: Progress) => void;
}

const OPTIONS = [
  "module",
  "export",
  "args",
  "seeds",
  "workers",
  "execArgv",
  "setup",
  "mustHit",
  "onFailure",
  "signal",
  "onProgress",
] as const;

/** Seeds of a chunk at most: few, so that no thread is left with much when the others are done. */
const CHUNK = 8;

/**
 * Runs a world under many seeds, in threads.
 *
 * @throws SIMULATION_FAILED a seed found a violation, none hit what `mustHit` names, or a thread
 * broke: the module could not be loaded, or threw.
 * @throws INVALID_ARGUMENT an option is not what it must be.
 *
 * @example
 * const report = await simulateInWorkers({
 *   module: new URL("./my-world.ts", import.meta.url),
 *   export: "myWorld",
 *   args: { workers: 3 },
 *   seeds: 10_000,
 * });
 * console.log(report.seeds, report.hash);
 */
export async function simulateInWorkers(options: WorkersOptions): Promise<SimulationReport> {
  knownOptions("options", options, OPTIONS);
  if (!(options.module instanceof URL)) throw invalidArgument("module", options.module, "a URL");
  const { setup } = options;
  if (setup !== undefined && !(setup instanceof URL))
    throw invalidArgument("setup", setup, "a URL");
  boundedString("export", options.export, 200);
  const workers = positiveInteger("workers", options.workers ?? availableParallelism());
  const { seeds, isReplay } = chosenSeeds(options.seeds);
  options.signal?.throwIfAborted();
  const crew = new Crew(options, seeds);
  const report = await crew.run(Math.min(workers, Math.ceil(seeds.length / CHUNK)));
  if (!isReplay && report.failures.length === 0) checkHits(report, options.mustHit ?? []);
  return report;
}

/** The threads of one simulation. */
class Crew {
  readonly #options: WorkersOptions;
  readonly #seeds: readonly SeedLike[];
  readonly #tally = new Tally();
  /** Reports that came before those of earlier seeds. */
  readonly #early = new Map<number, SeedReport>();
  readonly #members: Member[] = [];
  #added = 0;
  #done = 0;
  #failed = 0;
  #next = 0;
  /** Seeds from here on need not be run: an earlier one failed. */
  #limit: number;

  constructor(options: WorkersOptions, seeds: readonly SeedLike[]) {
    this.#options = options;
    this.#seeds = seeds;
    this.#limit = seeds.length;
  }

  async run(workers: number): Promise<SimulationReport> {
    const { signal } = this.#options;
    const startedMs = systemRuntime.time.monotonicMs();
    const stopAll = (): void => void this.#stop();
    signal?.addEventListener("abort", stopAll, { once: true });
    try {
      await Promise.all(Array.from({ length: workers }, () => this.#work()));
      signal?.throwIfAborted();
    } finally {
      signal?.removeEventListener("abort", stopAll);
      await this.#stop();
    }
    const [first] = this.#tally.failures;
    if (first !== undefined && this.#options.onFailure !== "stop" && !this.#collects) {
      throw failed(first);
    }
    return this.#tally.report(systemRuntime.time.monotonicMs() - startedMs);
  }

  get #collects(): boolean {
    return this.#options.onFailure === "collect";
  }

  async #work(): Promise<void> {
    const { module, export: exported, args, execArgv, setup, signal } = this.#options;
    const member = new Member({
      data: { module: module.href, exported, args },
      execArgv,
      setup: setup?.href,
      onSeed: (index, report) => this.#take(index, report),
    });
    this.#members.push(member);
    for (let chunk = this.#nextChunk(); chunk !== undefined; chunk = this.#nextChunk()) {
      if (signal?.aborted === true) return;
      await member.run(chunk);
    }
  }

  #nextChunk(): Chunk | undefined {
    const from = this.#next;
    if (from >= this.#limit) return undefined;
    this.#next = from + CHUNK;
    const seeds = this.#seeds.slice(from, this.#next).map(String);
    return { from, seeds, collect: this.#collects };
  }

  #take(index: number, report: SeedReport): void {
    this.#early.set(index, report);
    if (report.failure !== undefined) {
      this.#failed += 1;
      // Earlier seeds may fail too: the failure that is told is the one of the first.
      if (!this.#collects) this.#limit = Math.min(this.#limit, index + 1);
    }
    this.#addInOrder();
    this.#done += 1;
    const { onProgress } = this.#options;
    onProgress?.({ done: this.#done, seeds: this.#seeds.length, failed: this.#failed });
  }

  #addInOrder(): void {
    for (;;) {
      const report = this.#early.get(this.#added);
      if (report === undefined || this.#added >= this.#limit) return;
      this.#early.delete(this.#added);
      this.#added += 1;
      this.#tally.add(report.summary);
      if (report.failure !== undefined) this.#tally.failures.push(report.failure);
    }
  }

  async #stop(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.stop()));
  }
}
