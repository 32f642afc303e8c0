/**
 * A claim that is held: renewed while its run lives, and told when it is lost.
 *
 * The timer is upkeep: it keeps no process alive. A loss is final for the signal; whether the
 * answer may still be stored is for the store to say, against the revision that was written last.
 */
import {
  isQuorateError,
  leaseWindow,
  type LeaseWindow,
  type PutResult,
  type QuorateError,
  type Revision,
  type Timer,
} from "@quorate/core";
import type { Call } from "./call.ts";
import { type Desk, judge, readFound } from "./desk.ts";
import { supersededError } from "./errors.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import { decide } from "./machine.ts";
import { encodeInFlight, type RunHead } from "./record.ts";

const LAPSED = "no renewal was confirmed before its end, by this process's clocks";
/** Why a run is not the key's any more, where the record is gone. */
export const GONE = "its record is gone: forgotten, or lost with the store";
/** Why a run is not the key's any more, where another's record is there. */
export const TAKEN = "another run took the key over";

/** What a claim was granted with. */
export interface ClaimGrant {
  readonly head: RunHead;
  readonly revision: Revision;
  /** Opened before the claim left. */
  readonly window: LeaseWindow;
}

/** One claim of this process. */
export class HeldClaim {
  readonly call: Call;
  readonly head: RunHead;
  /** The revision of the claim. */
  readonly fencingToken: number;
  readonly lease: LeaseKeeper;
  /** Of this run's last write. */
  revision: Revision;
  /** Set when it is lost. */
  problem: QuorateError<"IDEMPOTENCY_SUPERSEDED"> | undefined;
  readonly #desk: Desk;
  readonly #onLost: () => void;
  #timer: Timer | undefined;
  #isOver = false;

  constructor(desk: Desk, call: Call, grant: ClaimGrant, onLost: () => void) {
    this.call = call;
    this.head = grant.head;
    this.fencingToken = grant.revision;
    this.revision = grant.revision;
    this.lease = new LeaseKeeper(call.leaseMs, grant.window);
    this.#desk = desk;
    this.#onLost = onLost;
    this.#arm();
  }

  /** Neither renews nor tells any more. */
  stop(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    const { time } = this.#desk.runtime;
    this.#timer?.cancel();
    const pauseMs = this.lease.pauseMs(time);
    this.#timer = time.setTimer(pauseMs, () => this.#turn(), { keepAlive: false });
  }

  #turn(): void {
    const due = this.lease.turn(this.#desk.runtime.time);
    if (due === "lost") return this.#lose(LAPSED);
    if (due === "renew") void this.#renew();
    this.#arm();
  }

  async #renew(): Promise<void> {
    const { time } = this.#desk.runtime;
    try {
      // Before the write leaves: the store counts from later on.
      const window = leaseWindow(time, this.call.leaseMs);
      const put = await this.#put();
      if (this.#isOver) return;
      if (put.ok) {
        this.revision = put.entry.revision;
        this.lease.renewed(window);
      } else this.#refused(put);
    } catch (error) {
      if (this.#isOver) return;
      this.lease.failed(time);
      this.#report(error);
    }
    if (!this.#isOver) this.#arm();
  }

  #put(): Promise<PutResult> {
    const { call, head, lease } = this;
    const record = encodeInFlight(head, this.fencingToken, call.ttlMs);
    return this.#desk.kv.put(call.storeKey, record, {
      expect: this.revision,
      ttlMs: call.leaseMs + call.ttlMs,
      timeoutMs: lease.tryTimeoutMs,
    });
  }

  #refused({ current }: Extract<PutResult, { ok: false }>): void {
    const found = current === undefined ? undefined : readFound(current, this.call.key);
    const decision = decide("renew", judge(found, this.head));
    if (decision === "superseded") this.#lose(found === undefined ? GONE : TAKEN);
    else {
      // A renewal that was not answered had landed: the next one goes against it.
      this.revision = found?.entry.revision ?? this.revision;
      this.lease.failed(this.#desk.runtime.time);
    }
  }

  #lose(why: string): void {
    if (this.#isOver) return;
    this.stop();
    this.problem = supersededError({ key: this.call.key, fencingToken: this.fencingToken }, why);
    publishSuperseded(this.#desk, this, why);
    this.#onLost();
  }

  #report(error: unknown): void {
    const { renewalFailed } = this.#desk.events;
    if (!renewalFailed.hasSubscribers) return;
    const { key, scope } = this.call;
    const code = isQuorateError(error) ? error.code : "UNKNOWN";
    const leaseLeftMs = this.lease.leftMs(this.#desk.runtime.time);
    renewalFailed.publish({ key, scope, fencingToken: this.fencingToken, code, leaseLeftMs });
  }
}

/** Tells that `claim` is not the key's any more. */
export function publishSuperseded(desk: Desk, claim: HeldClaim, why: string): void {
  const { superseded } = desk.events;
  if (!superseded.hasSubscribers) return;
  const { key, scope } = claim.call;
  superseded.publish({ key, scope, fencingToken: claim.fencingToken, why });
}
