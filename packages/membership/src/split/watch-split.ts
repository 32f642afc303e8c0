/**
 * `watchSplit`: follows a membership, and says what to do when the group has split.
 *
 * A thin shell round the roster, the timer and `resolveSplit`, and round the lease where the
 * strategy has one. It ends nobody: it calls back with a verdict, and the caller stops the process
 * (`downSelf`, `downAll`), or takes over what the dead had (`downOthers`).
 *
 * Guarantees: at most one verdict for a state of affairs; a verdict that ends this process is its
 * last one. While the membership is `stale` nothing is decided.
 * Does not guarantee: that whoever must stop does so at once. What must not happen twice needs a
 * fencing token all the same.
 */
import {
  callable,
  invalidArgument,
  isQuorateError,
  knownOptions,
  type LeaseStore,
  Lifecycle,
  type Ms,
  type Runtime,
  sleep,
  type Timer,
  ttl,
} from "@quorate/core";
import type { Membership } from "../membership.ts";
import type { SplitDecision, SplitVerdict } from "./resolve.ts";
import { Roster, type RosterOptions } from "./roster.ts";
import { SplitTimer, type SplitTimerOptions } from "./split-timer.ts";

/** Options of `watchSplit`. All processes of a group should have the same. */
export interface SplitWatchOptions extends SplitTimerOptions, RosterOptions {
  readonly runtime: Pick<Runtime, "time" | "events">;
  /** Called with each verdict but `keep`. What it throws is published as an event. */
  readonly onVerdict: (verdict: SplitVerdict) => void | Promise<void>;
  /** Where the lease of `leaseMajority` is, and under which name. */
  readonly lease?: { readonly store: LeaseStore; readonly name: string; readonly ttlMs?: Ms };
}

/** `quorate:split.verdict`: what was decided. */
export interface SplitVerdictReached {
  readonly self: string;
  readonly kind: SplitVerdict["kind"];
  readonly reason: string;
  /** How many are to be taken for dead. */
  readonly down: number;
}

/** `quorate:split.failed`: the callback threw, the lease's store failed, or the watch ended. */
export interface SplitWatchFailed {
  readonly self: string;
  readonly operation: "callback" | "lease" | "watch";
  readonly code: string;
}

/** A watch at work. */
export interface SplitWatch extends AsyncDisposable {
  /** The last verdict; `undefined`: none yet. */
  readonly verdict: SplitVerdict | undefined;
  /** Decides nothing more. Twice is fine. */
  close(): Promise<void>;
}

const NAMES = [
  "runtime",
  "strategy",
  "stableAfterMs",
  "downAllAfterMs",
  "standingOf",
  "joinedOf",
  "indirect",
  "onVerdict",
  "lease",
] as const;

/** Long enough that no side asks for the lease after it ran out under another one. */
const DEFAULT_LEASE_TTL_MS = 120_000;

/**
 * Follows `membership`, and calls back when this process must stop, or others are to be taken for
 * dead.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds; `keepOldest` without `joinedOf`,
 * or `leaseMajority` without `lease`; the membership only looks on.
 *
 * @example
 * import { keepMajority, type Membership, watchSplit } from "@quorate/membership";
 * import { systemRuntime } from "@quorate/core";
 * const follow = (membership: Membership) =>
 *   watchSplit(membership, {
 *     runtime: systemRuntime,
 *     strategy: keepMajority(),
 *     onVerdict: ({ kind }) => {
 *       if (kind !== "downOthers") process.exit(1);
 *     },
 *   });
 */
export function watchSplit(membership: Membership, options: SplitWatchOptions): SplitWatch {
  knownOptions("options", options, NAMES);
  const { strategy, lease } = options;
  callable("onVerdict", options.onVerdict);
  if (membership.self === undefined) {
    throw invalidArgument("membership", "an onlooker's", "one that this process is a member of");
  }
  if (strategy?.kind === undefined) {
    throw invalidArgument("strategy", strategy, "a strategy, as keepMajority() makes one");
  }
  if (strategy.kind === "keep-oldest" && options.joinedOf === undefined) {
    throw invalidArgument("joinedOf", undefined, "a function, as the strategy is keepOldest");
  }
  if (strategy.kind === "lease-majority" && lease === undefined) {
    throw invalidArgument("lease", undefined, "given, as the strategy is leaseMajority");
  }
  ttl("lease.ttlMs", lease?.ttlMs ?? DEFAULT_LEASE_TTL_MS);
  return new Follower(membership, membership.self.id, options);
}

class Follower implements SplitWatch {
  readonly #self: string;
  readonly #options: SplitWatchOptions;
  readonly #lifecycle: Lifecycle;
  readonly #roster: Roster;
  readonly #timer: SplitTimer;
  #wake: Timer | undefined;
  #verdict: SplitVerdict | undefined;
  #isStale = true;
  /** The lease is being asked; no other decision meanwhile. */
  #isAsking = false;

  constructor(membership: Membership, self: string, options: SplitWatchOptions) {
    this.#self = self;
    this.#options = options;
    this.#lifecycle = new Lifecycle("the split watch", options.runtime);
    this.#roster = new Roster(self, options);
    this.#timer = new SplitTimer(options);
    void this.#follow(membership);
  }

  get verdict(): SplitVerdict | undefined {
    return this.#verdict;
  }

  close(): Promise<void> {
    return this.#lifecycle.close(0, () => this.#wake?.cancel());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #follow(membership: Membership): Promise<void> {
    try {
      for await (const event of membership.watch({ signal: this.#lifecycle.stopping })) {
        if (event.kind === "stale") this.#isStale = true;
        else if (event.kind === "synced") {
          this.#isStale = false;
          this.#timer.restart(this.#nowMs);
        } else this.#roster.hear(event);
        this.#look();
      }
    } catch (error) {
      if (!this.#lifecycle.isClosed) this.#failed("watch", error);
    }
    // Without news nothing may be decided.
    this.#wake?.cancel();
    this.#isStale = true;
  }

  get #nowMs(): Ms {
    return this.#options.runtime.time.monotonicMs();
  }

  #look(): void {
    const view = this.#roster.view();
    if (this.#isStale || this.#isAsking || this.#lifecycle.isClosed || view === undefined) return;
    this.#act(this.#timer.see(view, this.#nowMs));
    this.#arm();
  }

  #arm(): void {
    this.#wake?.cancel();
    const { wakeMs } = this.#timer;
    if (wakeMs === Infinity || this.#lifecycle.isClosed || this.#isAsking) return;
    const delayMs = Math.max(1, Math.ceil(wakeMs - this.#nowMs));
    const wake = (): void => {
      if (this.#isStale || this.#isAsking || this.#lifecycle.isClosed) return;
      this.#act(this.#timer.tick(this.#nowMs));
      this.#arm();
    };
    this.#wake = this.#options.runtime.time.setTimer(delayMs, wake, { keepAlive: false });
  }

  #act(decision: SplitDecision | undefined): void {
    if (decision === undefined || decision.kind === "keep") return;
    if (decision.kind !== "acquire") return this.#reach(decision);
    this.#ask(decision).catch((error: unknown) => this.#failed("watch", error));
  }

  async #ask(decision: SplitDecision & { kind: "acquire" }): Promise<void> {
    const { lease, runtime } = this.#options;
    if (lease === undefined) return;
    this.#isAsking = true;
    let isGranted = false;
    const { store, name, ttlMs = DEFAULT_LEASE_TTL_MS } = lease;
    const askedMs = this.#nowMs;
    try {
      const signal = this.#lifecycle.stopping;
      await sleep(runtime, decision.delayMs, { signal, keepAlive: false });
      // Who was stalled for long may find the lease of the other side run out.
      const lateMs = this.#nowMs - askedMs - decision.delayMs;
      if (lateMs < ttlMs / 4) {
        const claim = { owner: decision.claim, ttlMs, signal };
        isGranted = (await store.acquire(name, claim)).granted;
      }
    } catch (error) {
      if (this.#lifecycle.isClosed) return;
      this.#failed("lease", error);
    }
    this.#isAsking = false;
    this.#reach(isGranted ? decision.granted : decision.refused);
    this.#look();
  }

  #reach(verdict: SplitVerdict): void {
    if (this.#lifecycle.isClosed) return;
    this.#verdict = verdict;
    const down = "down" in verdict ? verdict.down : [];
    const { kind, reason } = verdict;
    const reached = this.#options.runtime.events.channel<SplitVerdictReached>("split.verdict");
    if (reached.hasSubscribers) {
      reached.publish({ self: this.#self, kind, reason, down: down.length });
    }
    if (kind === "downOthers") this.#roster.drop(down);
    else void this.close();
    void this.#call(verdict);
  }

  async #call(verdict: SplitVerdict): Promise<void> {
    try {
      await this.#options.onVerdict(verdict);
    } catch (error) {
      this.#failed("callback", error);
    }
  }

  #failed(operation: SplitWatchFailed["operation"], error: unknown): void {
    const failed = this.#options.runtime.events.channel<SplitWatchFailed>("split.failed");
    const code = isQuorateError(error) ? error.code : "UNKNOWN";
    if (failed.hasSubscribers) failed.publish({ self: this.#self, operation, code });
  }
}
