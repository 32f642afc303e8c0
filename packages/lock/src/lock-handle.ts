/**
 * The `Lock` that callers hold: a view of a lease in hand.
 *
 * A nested view (`reentrant: true`) shows the same lease, so the same token; its release gives
 * nothing back, because the outermost holder is not done.
 */
import {
  type FencingToken,
  invalidArgument,
  leaseMarginMs,
  type Ms,
  nonNegative,
  QuorateError,
} from "@quorate/core";
import type { HeldLease } from "./held-lease.ts";
import type { Lock, ReleaseAnswer } from "./lock.ts";
import { isExclusive, type LockKind } from "./target.ts";

/** Renews one lease now; resolves when the store has answered. */
export type RenewNow = (lease: HeldLease) => Promise<void>;

const MOST_RENEWALS = 3;

/** A view of `lease`. */
export class LockHandle implements Lock {
  readonly #lease: HeldLease;
  readonly #renewNow: RenewNow;
  readonly #nested: boolean;

  constructor(lease: HeldLease, renewNow: RenewNow, nested = false) {
    this.#lease = lease;
    this.#renewNow = renewNow;
    this.#nested = nested;
  }

  get kind(): LockKind {
    return this.#lease.target.kind;
  }

  get key(): string {
    return this.#lease.target.key;
  }

  get fencingToken(): FencingToken {
    return this.#lease.grant.fencingToken;
  }

  get weight(): number {
    return this.#lease.target.weight;
  }

  get exclusive(): boolean {
    return isExclusive(this.#lease.target);
  }

  get safety(): "lease" | "best-effort" {
    return this.#lease.safety;
  }

  get signal(): AbortSignal {
    return this.#lease.signal;
  }

  get remainingMs(): Ms {
    return this.#lease.leftMs();
  }

  check(): FencingToken {
    const problem = this.#lease.problem();
    if (problem !== undefined) throw problem;
    return this.fencingToken;
  }

  async ensure(ms: Ms): Promise<FencingToken> {
    nonNegative("ms", ms);
    const lease = this.#lease;
    for (let tries = 0; ; tries++) {
      const token = this.check();
      if (lease.leftMs() >= ms) return token;
      const mostMs = Math.min(lease.ttlMs - leaseMarginMs(lease.ttlMs), lease.capLeftMs);
      if (ms > mostMs) {
        throw invalidArgument("ms", ms, `at most ${Math.floor(mostMs)}, what this lease can give`);
      }
      if (tries === MOST_RENEWALS) throw tooSlow(this.key, ms);
      await this.#renewNow(lease);
    }
  }

  lapse(): void {
    if (!this.#nested) this.#lease.lapse();
  }

  async release(): Promise<ReleaseAnswer> {
    if (this.#nested) return this.#lease.leftMs() > 0 ? "released" : "expired";
    const { answer } = await this.#lease.release();
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release().catch(() => {});
  }
}

/** Each answer took so long that what it gave was used up. */
function tooSlow(key: string, ms: Ms): QuorateError<"TIMEOUT"> {
  const message = `the store renews too slowly to leave ${ms} ms of ${JSON.stringify(key)}`;
  const details = { operation: "lock.ensure", timeoutMs: ms };
  return new QuorateError("TIMEOUT", message, { effect: "none", details });
}
