/**
 * Which owners are dead: by the store's word, asked for as seldom as it can be.
 *
 * A holder's lease says how long it lasts without a renewal. Until then nobody needs to ask again,
 * and right then a crash is noticed: one question per owner and lease, however many runs it has.
 */
import type { Ms, Time } from "@quorate/core";
import type { Locks } from "@quorate/lock";
import { workerKey } from "./worker.ts";

/** What the clocks of store and process may differ by over one lease. */
const LAG_MS = 10;
/** Owners that are remembered; one that is forgotten is asked for once more. */
const MAX_KNOWN = 1_000;

/** The owners that records name. */
export class Owners {
  readonly #locks: Locks;
  readonly #time: Pick<Time, "monotonicMs">;
  /** When to ask again, on the monotonic clock. */
  readonly #askAtMs = new Map<string, Ms>();

  constructor(locks: Locks, time: Pick<Time, "monotonicMs">) {
    this.#locks = locks;
    this.#time = time;
  }

  /** Those of `owners` whose leases have ended. Rejects with the store's error. */
  async deadAmong(owners: Iterable<string>): Promise<Set<string>> {
    const dead = new Set<string>();
    for (const owner of new Set(owners)) {
      if ((this.#askAtMs.get(owner) ?? 0) > this.#time.monotonicMs()) continue;
      const { holders } = await this.#locks.inspect(workerKey(owner));
      const [holder] = holders;
      if (holder === undefined) dead.add(owner);
      else this.#remember(owner, this.#time.monotonicMs() + holder.expiresInMs + LAG_MS);
    }
    return dead;
  }

  /** When one of `owners` should be asked for; `Infinity`: there are none. */
  nextMs(owners: Iterable<string>): Ms {
    let nextMs = Infinity;
    for (const owner of owners) nextMs = Math.min(nextMs, this.#askAtMs.get(owner) ?? 0);
    return nextMs;
  }

  #remember(owner: string, atMs: Ms): void {
    this.#askAtMs.delete(owner);
    this.#askAtMs.set(owner, atMs);
    const [oldest] = this.#askAtMs.keys();
    if (this.#askAtMs.size > MAX_KNOWN && oldest !== undefined) this.#askAtMs.delete(oldest);
  }
}
