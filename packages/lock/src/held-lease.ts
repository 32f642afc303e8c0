/**
 * One lease in hand, and the one truth about whether it still is.
 *
 * Everything that can end it comes together here: the local deadline, the store's word, a release,
 * `close()`. The first one wins and is final, so nobody hears of a loss after a release, and a
 * renewal that comes late revives nothing.
 */
import {
  type Grant,
  leaseLeftMs,
  type LeaseWindow,
  type LossReason,
  type Ms,
  type QuorateError,
  type Time,
} from "@quorate/core";
import { lostError, releasedError } from "./lock-errors.ts";
import type { ReleaseAnswer } from "./lock.ts";
import type { Scheduled } from "./renewal-schedule.ts";
import type { Target } from "./target.ts";

/** How a lease was given back. `sure`: the store answered the first time it was asked. */
export interface GivenBack {
  readonly answer: ReleaseAnswer;
  readonly sure: boolean;
}

type State =
  | { readonly kind: "held" }
  | { readonly kind: "lost"; readonly reason: LossReason; returned?: Promise<GivenBack> }
  | { readonly kind: "ended"; readonly back: Promise<GivenBack>; readonly closed: boolean };

/** What became of a lease, seen from the end of the work under it. */
export type Verdict =
  | { readonly kind: "sound" }
  | { readonly kind: "lost"; readonly reason: LossReason }
  | { readonly kind: "closed" };

/** What a lease needs of those who keep it. */
export interface LeaseKeeper {
  readonly time: Time;
  /** Tells the store. */
  giveBack(lease: HeldLease): Promise<GivenBack>;
  /** Called once, when it is no longer held. */
  dropped(lease: HeldLease, end: LossReason | "released"): void;
}

/** A lease in hand. */
export class HeldLease implements Scheduled {
  readonly target: Target;
  readonly grant: Grant;
  readonly safety: "lease" | "best-effort";
  readonly ttlMs: Ms;
  // The schedule's own fields, see `Scheduled`.
  wakeMs = 0;
  heapIndex = -1;
  failures = 0;
  phase: Scheduled["phase"] = { kind: "resting", dueMs: 0, earliestMs: 0 };
  renews: boolean;
  window: LeaseWindow;
  readonly #keeper: LeaseKeeper;
  /** The end by `maxHoldMs`, which no renewal moves. */
  readonly #cap: LeaseWindow | undefined;
  #state: State = { kind: "held" };
  #controller: AbortController | undefined;
  #lapses = false;

  constructor(
    keeper: LeaseKeeper,
    claim: { readonly target: Target; readonly grant: Grant; readonly safety: HeldLease["safety"] },
    bounds: { readonly renew: boolean; readonly maxHoldMs: Ms },
  ) {
    this.#keeper = keeper;
    this.target = claim.target;
    this.grant = claim.grant;
    this.safety = claim.safety;
    this.ttlMs = claim.grant.ttlMs;
    this.renews = bounds.renew;
    this.#cap = capOf(keeper.time, bounds.maxHoldMs);
    this.window = this.clip(claim.grant);
  }

  /** `window` within the bound of `maxHoldMs`; once that decides, renewing is of no use. */
  clip(window: LeaseWindow): LeaseWindow {
    const cap = this.#cap;
    if (cap === undefined || window.validUntilMs <= cap.validUntilMs) return window;
    this.renews = false;
    return cap;
  }

  /** Whether its holder wants it to end by its TTL, and not before. */
  get lapses(): boolean {
    return this.#lapses;
  }

  /** Lets it run out. */
  lapse(): void {
    this.#lapses = true;
    this.renews = false;
  }

  /** Most that a renewal now could leave, by `maxHoldMs`. */
  get capLeftMs(): Ms {
    return this.#cap === undefined ? Infinity : leaseLeftMs(this.#keeper.time, this.#cap);
  }

  /** Aborts at the end that was not asked for. Made on first use: few locks are listened to. */
  get signal(): AbortSignal {
    this.leftMs();
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      this.#tell();
    }
    return this.#controller.signal;
  }

  /** Time left, 0 when not held. Notices the end: once it was seen, it stays. */
  leftMs(): Ms {
    if (this.#state.kind !== "held") return 0;
    // The cap again: the engine may move a window on, where a grant by push is confirmed late.
    const leftMs = Math.min(leaseLeftMs(this.#keeper.time, this.window), this.capLeftMs);
    if (leftMs > 0) return leftMs;
    this.lose("expired");
    return 0;
  }

  /** The error of using it now; `undefined` while it is held. */
  problem(): QuorateError | undefined {
    this.leftMs();
    const facts = { key: this.target.key, fencingToken: this.grant.fencingToken };
    if (this.#state.kind === "lost") return lostError(facts, this.#state.reason);
    return this.#state.kind === "ended" ? releasedError(facts) : undefined;
  }

  /** What the work under it may claim, now that it has ended. */
  verdict(): Verdict {
    this.leftMs();
    const state = this.#state;
    if (state.kind === "lost") return { kind: "lost", reason: state.reason };
    return state.kind === "ended" && state.closed ? { kind: "closed" } : { kind: "sound" };
  }

  /** It is over. Does nothing when that was known, or after a release. */
  lose(reason: LossReason): void {
    if (this.#state.kind !== "held") return;
    this.#state = { kind: "lost", reason };
    this.#keeper.dropped(this, reason);
    this.#tell();
  }

  /** Gives it back; the same answer each time. `closed`: not by its holder, who must be told. */
  release(closed = false): Promise<GivenBack> {
    this.leftMs();
    const state = this.#state;
    if (state.kind === "ended") return state.back;
    if (state.kind === "lost") {
      // A late renewal may have kept it alive in the store; nobody waits for this.
      state.returned ??= this.#keeper.giveBack(this);
      state.returned.catch(() => {});
      return Promise.resolve({ answer: "expired", sure: true });
    }
    const back = this.#keeper.giveBack(this);
    back.catch(() => {});
    this.#state = { kind: "ended", back, closed };
    this.#keeper.dropped(this, "released");
    this.#tell();
    return back;
  }

  #tell(): void {
    const state = this.#state;
    if (state.kind === "held" || (state.kind === "ended" && !state.closed)) return;
    this.#controller?.abort(this.problem());
  }
}

function capOf(time: Time, maxHoldMs: Ms): LeaseWindow | undefined {
  if (maxHoldMs === Infinity) return undefined;
  return {
    validUntilMs: time.monotonicMs() + maxHoldMs,
    validUntilWallMs: time.wallMs() + maxHoldMs,
  };
}
