/**
 * Scenarios for threads: what a module exports to be simulated in them.
 */
import type { SeedOptions } from "../run/run-seed.ts";

/** What is sent to the thread. */
export interface TickingArgs {
  /** Seeds that fail, in hexadecimal. */
  readonly bad: readonly string[];
}

/** Ticks, and fails in the seeds that it was told of. */
export function ticking({ bad }: TickingArgs): SeedOptions {
  return {
    durationMs: 5_000,
    profile: "harsh",
    world(sim) {
      sim.process("ticker", {
        count: 2,
        main: async (process) => {
          for (;;) {
            await process.sleep(500);
            process.mark("tick");
          }
        },
      });
      sim.always("good seed", () => sim.nowMs < 2_000 || !bad.includes(sim.seed));
    },
  };
}

/** Cannot say what to simulate. */
export function throwing(): SeedOptions {
  throw new RangeError("no options today");
}
