/**
 * Adds up runs, in the order of their seeds, whoever made them.
 */
import { mix } from "../kernel/seed.ts";
import type { Failure } from "./failure.ts";
import type { RunResult } from "./run-once.ts";

/** What all runs came to. */
export interface SimulationReport {
  readonly seeds: number;
  readonly failures: readonly Failure[];
  /** One fingerprint of all runs in their order. */
  readonly hash: string;
  readonly events: number;
  readonly simulatedMs: number;
  readonly elapsedMs: number;
  /** Virtual time in one of real time. */
  readonly speed: number;
  readonly eventsPerSecond: number;
  /** How often each fault, event, mark and rare path happened, over all seeds. */
  readonly counts: ReadonlyMap<string, number>;
}

/** What is added up of a run. */
export type RunSummary = Pick<
  RunResult,
  "seed" | "hash" | "events" | "simulatedMs" | "elapsedMs" | "counts"
>;

/** A report in the making. */
export class Tally {
  readonly failures: Failure[] = [];
  readonly #counts = new Map<string, number>();
  #seeds = 0;
  #left = 1;
  #right = 2;
  #events = 0;
  #simulatedMs = 0;
  #elapsedMs = 0;

  /** Adds the run of the next seed. */
  add({ hash, events, simulatedMs, elapsedMs, counts }: RunSummary): void {
    this.#seeds += 1;
    this.#left = mix(Math.imul(this.#left, 31) ^ Number.parseInt(hash.slice(0, 8), 16));
    this.#right = mix(Math.imul(this.#right, 33) ^ Number.parseInt(hash.slice(8), 16));
    this.#events += events;
    this.#simulatedMs += simulatedMs;
    this.#elapsedMs += elapsedMs;
    for (const [name, count] of counts) {
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
    }
  }

  /** The report; `elapsedMs` where runs were made side by side. */
  report(elapsedMs: number = this.#elapsedMs): SimulationReport {
    const hex = (half: number): string => half.toString(16).padStart(8, "0");
    const atLeast = Math.max(elapsedMs, Number.EPSILON);
    return {
      seeds: this.#seeds,
      failures: this.failures,
      hash: hex(this.#left) + hex(this.#right),
      events: this.#events,
      simulatedMs: this.#simulatedMs,
      elapsedMs: atLeast,
      speed: this.#simulatedMs / atLeast,
      eventsPerSecond: (1_000 * this.#events) / atLeast,
      counts: this.#counts,
    };
  }
}
