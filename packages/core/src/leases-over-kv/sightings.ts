/**
 * How long have we seen nothing new of somebody?
 *
 * There is no clock that all agree on, so silence is counted by whoever looks: from the moment at
 * which it first saw a holder's present beat, on its own monotonic clock. The holder counts from
 * before it sent that beat, which is earlier; so it stops believing before anyone else takes over,
 * however far apart their clocks are, as long as they run at nearly the same rate.
 *
 * Observation is handed on: who writes a record says for how long it had seen each beat unchanged
 * (`idleMs`), and the next one counts on from there. That span lies after the beat and before the
 * write, so the sum is never too long. A server that stamps its records can do the same
 * (`backdate`). Without either, one who looks once and goes never sees anything die.
 */
import type { Ms } from "../waist/common.ts";
import type { Holder, LeaseRecord, Waiter } from "./record.ts";

/** When each beat and each unanswered roll call of one record was first seen. */
export class Sightings {
  #firstSeenMs = new Map<string, Ms>();

  /** Takes note of `record`, read at `nowMs` or before. Forgets what it no longer has. */
  see(record: LeaseRecord, nowMs: Ms): void {
    const seen = new Map<string, Ms>();
    const note = (key: string, sinceMs: Ms): void => {
      seen.set(key, Math.min(this.#firstSeenMs.get(key) ?? sinceMs, sinceMs));
    };
    for (const holder of record.holders.values()) note(keyOf(holder), nowMs - holder.idleMs);
    for (const waiter of record.line.values()) {
      if (waiter.asked !== 0) note(askedKeyOf(waiter), nowMs);
    }
    this.#firstSeenMs = seen;
  }

  /** The whole record was at least `ageMs` old at `nowMs`, so every beat in it was too. */
  backdate(record: LeaseRecord, ageMs: Ms, nowMs: Ms): void {
    for (const holder of record.holders.values()) {
      const key = keyOf(holder);
      const sinceMs = nowMs - Math.max(0, ageMs);
      this.#firstSeenMs.set(key, Math.min(this.#firstSeenMs.get(key) ?? nowMs, sinceMs));
    }
  }

  /** When the present beat of `holder` was first seen; `nowMs` if it never was. */
  beatSinceMs(holder: Holder, nowMs: Ms): Ms {
    return this.#firstSeenMs.get(keyOf(holder)) ?? nowMs;
  }

  /** When `waiter` was first seen to owe an answer; `nowMs` if it never was. */
  askedSinceMs(waiter: Waiter, nowMs: Ms): Ms {
    return this.#firstSeenMs.get(askedKeyOf(waiter)) ?? nowMs;
  }
}

function keyOf(holder: Holder): string {
  return `${holder.token}:${holder.beat}`;
}

function askedKeyOf(waiter: Waiter): string {
  return `${waiter.asked}?${waiter.owner}`;
}
