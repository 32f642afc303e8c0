/**
 * Between a breaker and its fleet: what each tells the other.
 *
 * The breaker decides alone on the hot path, by its own window and by the fleet's last verdict,
 * a plain field that is changed behind its back. It never waits for the fleet.
 */
import type { Ms } from "@quorate/core";

/** What one instance saw in its window. */
export interface Tally {
  readonly ok: number;
  readonly faults: number;
  readonly slow: number;
}

/** What the fleet holds; undefined while it is closed, or cannot be heard. */
export type FleetVerdict =
  /** Nobody calls, but for the one instance that holds the probe lease. */
  | { readonly kind: "open"; readonly epoch: number; readonly retryAfterMs: Ms }
  /** This instance holds the probe lease: it lets its half-open probes through. */
  | { readonly kind: "probing"; readonly epoch: number }
  /** Calls come back step by step, from 10 to 100 % over `rampMs` from `sinceMs` (monotonic). */
  | {
      readonly kind: "ramping";
      readonly epoch: number;
      readonly sinceMs: Ms;
      readonly rampMs: Ms;
    };

/** The fleet as its breaker sees it. */
export interface Fleet {
  /** Read at each call; never waited for. */
  readonly verdict: FleetVerdict | undefined;
  /** The local breaker saw a fault or changed its state: there may be something to publish. */
  stir(): void;
  /** How the probes that `probing` let through went. */
  probed(epoch: number, passed: boolean): void;
  /** Leaves the fleet; resolves when nothing of it is left. */
  close(): Promise<void>;
}

/** The breaker as its fleet sees it. */
export interface LocalEvidence {
  /** The window's sums at `nowMs`. */
  tally(nowMs: Ms): Tally;
  /** The local verdict, without the fleet's. */
  readonly localState: "closed" | "open" | "half-open" | "ramping" | "isolated";
  /** The fleet's verdict changed: states that listeners see may change now. */
  verdictChanged(): void;
}

/** Makes the fleet's end for a breaker: what `sharedThrough(backend, …)` returns. */
export type JoinFleet = (name: string, local: LocalEvidence) => Fleet;
