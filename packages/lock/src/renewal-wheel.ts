/**
 * The shell around `RenewalSchedule`: one timer for all leases of a `Locks`.
 *
 * The timer is upkeep and does not keep the process alive; it exists only while leases are held.
 * A failed call ends nothing: the schedule comes back until the leases' own deadlines, which fire
 * from the same timer whether or not the store ever answers.
 */
import {
  isQuorateError,
  leaseWindow,
  type LeaseStore,
  type LeaseWindow,
  type Ms,
  type Renewal,
  type Runtime,
  type Timer,
} from "@quorate/core";
import type { LockEvents } from "./events.ts";
import type { HeldLease } from "./held-lease.ts";
import {
  type Batch,
  type Instant,
  leftMs,
  RenewalSchedule,
  tryTimeoutMs,
} from "./renewal-schedule.ts";

/** Keeps leases alive, and tells them when they are not. */
export class RenewalWheel {
  readonly #leases: LeaseStore;
  readonly #runtime: Runtime;
  readonly #events: LockEvents;
  readonly #schedule = new RenewalSchedule<HeldLease>();
  readonly #asking = new Map<HeldLease, Promise<void>>();
  #timer: { readonly atMs: Ms; readonly timer: Timer } | undefined;

  constructor(leases: LeaseStore, runtime: Runtime, events: LockEvents) {
    this.#leases = leases;
    this.#runtime = runtime;
    this.#events = events;
  }

  /** Takes charge of `lease`. */
  add(lease: HeldLease): void {
    this.#schedule.add(lease, this.#now(), this.#runtime.random.next());
    this.#arm();
  }

  /** Forgets `lease`. */
  remove(lease: HeldLease): void {
    this.#schedule.remove(lease);
    if (this.#schedule.size > 0) return;
    this.#timer?.timer.cancel();
    this.#timer = undefined;
  }

  /** Renews `lease` now, or joins the renewal under way. Rejects with the store's error. */
  async renewNow(lease: HeldLease): Promise<void> {
    const underWay = this.#asking.get(lease);
    if (underWay !== undefined) return underWay;
    if (!this.#schedule.askNow(lease, this.#now())) return;
    await this.#renew({ leases: [lease], timeoutMs: tryTimeoutMs([lease]) });
  }

  #now(): Instant {
    const { time } = this.#runtime;
    return { monotonicMs: time.monotonicMs(), wallMs: time.wallMs() };
  }

  #arm(): void {
    const nextMs = this.#schedule.nextWakeMs;
    if (nextMs === undefined) return;
    // A timer that is set too early is left: it finds nothing to do and sets itself anew.
    if (this.#timer !== undefined && this.#timer.atMs <= nextMs) return;
    this.#timer?.timer.cancel();
    const { time } = this.#runtime;
    const delayMs = Math.max(0, nextMs - time.monotonicMs());
    const timer = time.setTimer(delayMs, () => this.#turn(), { keepAlive: false });
    this.#timer = { atMs: nextMs, timer };
  }

  #turn(): void {
    this.#timer = undefined;
    const { overdue, batches } = this.#schedule.turn(this.#now());
    for (const lease of overdue) lease.lose("expired");
    for (const batch of batches) this.#renew(batch).catch(() => {}); // Told by its event.
    this.#arm();
  }

  #renew(batch: Batch<HeldLease>): Promise<void> {
    const renewing = this.#ask(batch);
    for (const lease of batch.leases) this.#asking.set(lease, renewing);
    return renewing;
  }

  async #ask({ leases, timeoutMs }: Batch<HeldLease>): Promise<void> {
    const { time } = this.#runtime;
    // Before the request leaves: the store counts from later on.
    const windows = leases.map((lease) => leaseWindow(time, lease.ttlMs));
    try {
      const grants = leases.map((lease) => lease.grant);
      const answers = await this.#leases.renew(grants, { timeoutMs });
      for (const [index, lease] of leases.entries()) {
        this.#settle(lease, answers[index], windows[index]);
      }
    } catch (error) {
      for (const lease of leases) this.#schedule.failed(lease, this.#now());
      this.#report(leases, error);
      throw error;
    } finally {
      for (const lease of leases) this.#asking.delete(lease);
      this.#arm();
    }
  }

  #settle(lease: HeldLease, answer: Renewal | undefined, window: LeaseWindow | undefined): void {
    if (!this.#schedule.has(lease)) return; // Released or lost meanwhile: what came is history.
    if (answer === "lost") return lease.lose("superseded");
    // Past its old end it has been lost, whatever the store says by now: a loss is final.
    if (lease.leftMs() === 0) return;
    if (answer === undefined || window === undefined) {
      return this.#schedule.failed(lease, this.#now());
    }
    const chance = this.#runtime.random.next();
    this.#schedule.renewed(lease, lease.clip(window), this.#now(), chance);
  }

  #report(leases: readonly HeldLease[], error: unknown): void {
    if (!this.#events.renewalFailed.hasSubscribers) return;
    const now = this.#now();
    this.#events.renewalFailed.publish({
      leases: leases.length,
      code: isQuorateError(error) ? error.code : "UNKNOWN",
      leftMs: Math.min(...leases.map((lease) => leftMs(lease.window, now))),
    });
  }
}
