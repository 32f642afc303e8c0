/**
 * A fleet shares a rate by slices: whatever befalls it, what all may use together is never more
 * than the whole, by their own clocks, and everybody gets through in the end. Beside it an exact
 * limit, of which no permit is given twice.
 */
import type { SimProcess, World } from "@quorate/simulator";

import { exactRateLimit } from "../../../packages/resilience/src/slices/exact-rate-limit.ts";
import {
  sharedRateLimit,
  type SharedRateLimiter,
} from "../../../packages/resilience/src/slices/shared-rate-limit.ts";
import { DURATION_MS, KEEPING, type Scenario, Workers } from "../scenario.ts";

const PERIOD_MS = 500;
const LIMIT = { limit: 100, perMs: 1_000, burst: 20, periodMs: PERIOD_MS, waitMs: 200 };

/** Scarce, so that it is always used up. */
const EXACT = { limit: 5, perMs: 1_000, burst: 3, waitMs: 300 };

/** Instances, and thus permits that may be passed beyond the burst. */
const COUNT = 5;

/** Sums of shares, which are ten-thousandths, but not to the last binary digit. */
const ROUNDING = 1e-9;

/** How much faster than the world's a process's clock may run. */
const DRIFT = 0.01;

/** What all use and get, seen from above: the world can read every process's clock at once. */
class Fleet {
  readonly #sim: World;
  readonly #limiters = new Map<string, { process: SimProcess; limiter: SharedRateLimiter }>();
  /** Permits that passed through limiters that are no more. */
  #passedBefore = 0;
  /** The lowest that `passed - limit · t` ever was: where the worst interval begins. */
  #lowest = 0;
  #exactly = 0;

  constructor(sim: World) {
    this.#sim = sim;
    sim.always("what is used together is no more than the whole", () => this.#checkShares());
    sim.always("what passes is no more than the limit and the burst", () => this.#checkPassed());
  }

  /** `process` uses `limiter` from now on, and none that it had before. */
  has(process: SimProcess, limiter: SharedRateLimiter): void {
    const before = this.#limiters.get(process.name);
    this.#passedBefore += before?.limiter.stats.passed ?? 0;
    this.#limiters.set(process.name, { process, limiter });
  }

  /** A permit of the exact limit has come. Answers come late, so only the whole run is judged. */
  gotExactly(): void {
    this.#exactly += 1;
    const allowed = (EXACT.limit * (1 + DRIFT) * this.#sim.nowMs) / EXACT.perMs + EXACT.burst;
    if (this.#exactly <= allowed) return;
    this.#sim.fail("no permit is given twice", `${this.#exactly} of ${allowed}`);
  }

  #checkShares(): true | string {
    let sum = 0;
    for (const { process, limiter } of this.#limiters.values()) {
      if (process.isAlive) sum += limiter.stats.share;
    }
    if (sum <= 1 + ROUNDING) return true;
    return [...this.#limiters.values()]
      .filter(({ process }) => process.isAlive)
      .map(({ process, limiter }) => `${process.name} ${limiter.stats.share}`)
      .join(", ");
  }

  #checkPassed(): true | string {
    let passed = this.#passedBefore;
    for (const { limiter } of this.#limiters.values()) passed += limiter.stats.passed;
    const allowed = (LIMIT.limit * (1 + DRIFT) * this.#sim.nowMs) / LIMIT.perMs;
    const excess = passed - allowed - this.#lowest;
    this.#lowest = Math.min(this.#lowest, passed - allowed);
    return excess <= LIMIT.burst + COUNT || `${excess} beyond the rate in some interval`;
  }
}

/** Five instances, one rate; now and then one rests, or leaves and comes back. */
export const sharedRate: Scenario = {
  name: "shared-rate",
  claim: "slices that are used at a time are no more than the whole, and everybody gets through",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { passed: 5, "passed exactly": 1 },
  world(sim, engine) {
    const workers = new Workers(sim);
    const store = sim.store("store", { engine });
    const fleet = new Fleet(sim);
    sim.process("worker", {
      count: COUNT,
      main: async (process) => {
        const backend = store.backend(process);
        const open = (): SharedRateLimiter => {
          const opened = sharedRateLimit(backend, "api", { ...LIMIT, onStoreLost: "stop" });
          fleet.has(process, opened);
          return opened;
        };
        let limiter = open();
        const exact = exactRateLimit(backend, "mails", EXACT);
        await workers.forEver(process, async () => {
          const { random } = process.runtime;
          const dice = random.next();
          if (dice < 0.01) {
            process.mark("closed");
            await limiter.close();
            limiter = open();
          }
          if (dice > 0.99) await process.sleep(random.next() * PERIOD_MS * 8);
          if (dice < 0.5) {
            const got = exact.run(() => {
              fleet.gotExactly();
              process.mark("passed exactly");
            });
            await got.catch(() => process.mark("refused exactly"));
          }
          // In bursts, as traffic comes.
          const calls = Array.from({ length: Math.ceil(random.next() * 20) }, () =>
            limiter.run(() => process.mark("passed")),
          );
          const [first] = await Promise.allSettled(calls);
          if (first?.status === "rejected") throw first.reason;
        });
      },
    });
  },
};
