/**
 * What a thread and who started it tell each other. All of it is cloned on its way.
 */
import type { Failure } from "../run/failure.ts";
import type { SeedOptions } from "../run/run-seed.ts";
import type { RunSummary } from "../run/tally.ts";

/**
 * What a module exports to be simulated in threads: called once in each, with the `args` of
 * `simulateInWorkers`, to give the world and how it is run.
 *
 * @example
 * const myWorld: WorkerScenario<{ readonly workers: number }> = ({ workers }) => ({
 *   durationMs: 60_000,
 *   profile: "harsh",
 *   world: (sim) => {
 *     sim.process("worker", { count: workers, main: (process) => process.sleep(1_000) });
 *   },
 * });
 * console.log(typeof myWorld);
 */
export type WorkerScenario<Args = unknown> = (args: Args) => SeedOptions | Promise<SeedOptions>;

/** What a thread is born with. */
export interface ThreadData {
  /** URL of the module. */
  readonly module: string;
  /** Name of the function in it. */
  readonly exported: string;
  readonly args: unknown;
}

/** Seeds to be run in this order; indices count over all seeds. */
export interface Chunk {
  readonly from: number;
  readonly seeds: readonly string[];
  /** Whether to go on after one that fails. */
  readonly collect: boolean;
}

/** What a thread tells. */
export type ThreadMessage =
  | { readonly kind: "seed"; readonly index: number; readonly outcome: SeedReport }
  | { readonly kind: "done" }
  | { readonly kind: "broken"; readonly error: PlainError };

/** What one seed came to. */
export interface SeedReport {
  readonly summary: RunSummary;
  readonly failure?: Failure;
}

/** An error that survives the way: classes and functions do not. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

/** Whatever was thrown, to be sent. */
export function plainError(thrown: unknown): PlainError {
  if (!(thrown instanceof Error)) return { name: "Error", message: String(thrown), stack: "" };
  const { name, message, stack = "" } = thrown;
  return { name, message, stack };
}
