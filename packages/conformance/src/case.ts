/**
 * A conformance case, and what it is handed: backends of its own, keys of its own, and time.
 *
 * Cases share one store, so each works below its own prefix, and each closes what it opened. No
 * case sleeps: it lets the store's time pass through the harness, which scripts it or spends it.
 */
import { strict as assert } from "node:assert";
import { type Backend, type Random, systemRuntime } from "@quorate/core";
import { seededRandom } from "@quorate/core/testing";
import type { Company } from "./company.ts";
import type { Harness, HarnessFaults, Need, OpenOptions } from "./harness.ts";

/** One claim about an engine. */
export interface Case {
  /** The claim, as a sentence; with the number of the plan's case where it has one. */
  readonly name: string;
  readonly needs?: readonly Need[];
  /** Keeps the machine busy, or measures what a busy machine would spoil: never beside others. */
  readonly isAlone?: boolean;
  run(t: CaseContext): Promise<void>;
}

/** Cases about one part of the waist. */
export interface Area {
  readonly name: string;
  readonly cases: readonly Case[];
}

/** Thrown by `gate`: what the engine declares makes the case meaningless. */
export class GatedOff extends Error {}

const LONGEST_STEP_MS = 20;

interface CaseOptions {
  readonly seed: number;
  readonly scale: number;
  readonly company: Company | undefined;
}

/** What a case works with. */
export class CaseContext {
  readonly harness: Harness;
  /** One segment, this case's own. */
  readonly prefix: string;
  /** Chance from the suite's seed. */
  readonly random: Random;
  readonly #scale: number;
  readonly #company: Company | undefined;
  readonly #cleanups: (() => Promise<void>)[] = [];

  constructor(harness: Harness, options: CaseOptions) {
    this.harness = harness;
    this.random = seededRandom(options.seed);
    this.#scale = options.scale;
    this.#company = options.company;
    this.prefix = `t${systemRuntime.ids.operation()}`;
  }

  /** A name of this case's own. */
  key(id = "k"): string {
    return `${this.prefix}/${id}`;
  }

  /** The size of a crowd, scaled for slow set-ups; at least 2. */
  crowd(size: number): number {
    return Math.max(2, Math.round(size * this.#scale));
  }

  /** A backend, closed when the case ends. */
  async open(options?: OpenOptions): Promise<Backend> {
    const backend = await this.harness.open(options);
    this.cleanup(() => backend.close({ graceMs: 0 }));
    return backend;
  }

  /** Runs after the case, in reverse order, whatever became of it. */
  cleanup(action: () => Promise<void>): void {
    this.#cleanups.push(action);
  }

  /** A fault that the case's `needs` named, so it is there. */
  fault<F extends keyof HarnessFaults>(name: F): HarnessFaults[F] {
    const fault = this.harness.faults?.[name];
    assert(fault !== undefined, `the case uses ${name} without naming it in its needs`);
    const bound = fault.bind(this.harness.faults) as HarnessFaults[F];
    return this.#company?.share(name, bound) ?? bound;
  }

  /** Gates the case off at run time: the engine's capabilities say that it does not apply. */
  gate(applies: boolean, why: string): void {
    if (!applies) throw new GatedOff(why);
  }

  /** Lets the store's time pass. */
  pass(ms: number): Promise<void> {
    return this.harness.pass(ms);
  }

  /** What `promise` comes to, letting time pass; fails if that takes longer than `withinMs`. */
  async settle<T>(what: string, promise: Promise<T>, withinMs = 5_000): Promise<T> {
    let settled = false;
    const mark = (): void => void (settled = true);
    promise.then(mark, mark);
    for (
      let passedMs = 0, stepMs = 0;
      !settled;
      stepMs = Math.min(stepMs * 2 + 1, LONGEST_STEP_MS)
    ) {
      assert(passedMs <= withinMs, `${what} did not settle within ${withinMs} ms`);
      await this.pass(stepMs);
      passedMs += stepMs;
    }
    return promise;
  }

  /** The error that `promise` rejects with; fails if it resolves, or takes too long. */
  async rejection(what: string, promise: Promise<unknown>, withinMs?: number): Promise<unknown> {
    const outcome = promise.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    const result = await this.settle(what, outcome, withinMs);
    if ("error" in result) return result.error;
    return assert.fail(`${what} should have been refused, and came to ${show(result.value)}`);
  }

  /** Lets time pass until `holds`; fails after `withinMs`. */
  async until(
    what: string,
    holds: () => boolean | Promise<boolean>,
    withinMs = 5_000,
  ): Promise<void> {
    for (let passedMs = 0, stepMs = 0; !(await holds());) {
      assert(passedMs <= withinMs, `not within ${withinMs} ms: ${what}`);
      await this.pass(stepMs);
      passedMs += stepMs;
      stepMs = Math.min(stepMs * 2 + 1, LONGEST_STEP_MS);
    }
  }

  /** Closes what the case opened; one failure does not keep the others open. */
  async dispose(): Promise<void> {
    for (const cleanup of this.#cleanups.reverse()) await cleanup().catch(() => {});
  }
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
