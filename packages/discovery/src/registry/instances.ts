/**
 * The instances of one service: those registered, and those whose registration ended unasked.
 *
 * A registry that suddenly tells of nobody is far more often broken than right: it lost its data,
 * or could not hear the renewals. So an instance that did not say goodbye is remembered for a
 * while after its end, and it is for the views to doubt that end. One that said goodbye, or had
 * begun to drain, is believed gone.
 *
 * Sans-I/O: handed what the group tells, and the time. Guarantees: memory is bounded by the
 * instances registered, and those lost within `panicMaxMs`.
 */
import type { Ms } from "@quorate/core";
import type { Member, MembershipEvent } from "@quorate/membership";

import { decodeRecord, type InstanceRecord } from "./record.ts";

/** The two clocks at one moment. */
export interface Instant {
  readonly monotonicMs: Ms;
  readonly wallMs: Ms;
}

/** One instance that is known. */
export interface Instance {
  readonly id: string;
  readonly address: string;
  readonly record: InstanceRecord;
  /** When it registered, as far as can be told here; on this process's monotonic clock. */
  readonly bornMs: Ms;
  /** When its registration ended unasked; `undefined`: it stands. */
  readonly lostMs: Ms | undefined;
}

/** What came of an event. */
export type InstanceStep =
  | { readonly kind: "same" }
  | { readonly kind: "changed" }
  | { readonly kind: "invalid"; readonly id: string; readonly reason: string };

const SAME: InstanceStep = { kind: "same" };
const CHANGED: InstanceStep = { kind: "changed" };

/** All instances of one service. */
export class Instances {
  readonly #panicMaxMs: Ms;
  readonly #known = new Map<string, Instance>();
  /** When the list was last known to be whole. */
  #wholeMs = -Infinity;
  #isStale = true;

  constructor(panicMaxMs: Ms) {
    this.#panicMaxMs = panicMaxMs;
  }

  /** All that are known, also those lost. */
  get all(): Iterable<Instance> {
    return this.#known.values();
  }

  /** The list is not known to be whole now. */
  get isStale(): boolean {
    return this.#isStale;
  }

  /** When it was last known to be, while it is not; `undefined`: it is, or never was. */
  get staleSinceMs(): Ms | undefined {
    return this.#isStale && this.#wholeMs !== -Infinity ? this.#wholeMs : undefined;
  }

  /** When the next one that is lost is forgotten; `Infinity`: none is. */
  get nextForgottenMs(): Ms {
    // What is known is held on to until the store can say how things are.
    if (this.#isStale) return Infinity;
    let nextMs = Infinity;
    for (const { lostMs } of this.#known.values()) {
      if (lostMs !== undefined) nextMs = Math.min(nextMs, lostMs + this.#panicMaxMs);
    }
    return nextMs;
  }

  /** Takes what the group tells. */
  take(event: MembershipEvent, now: Instant): InstanceStep {
    if (event.kind === "synced") {
      this.#isStale = false;
      return CHANGED;
    }
    if (event.kind === "stale") {
      if (!this.#isStale) this.#wholeMs = Math.min(event.sinceMs, now.monotonicMs);
      const step = this.#isStale ? SAME : CHANGED;
      this.#isStale = true;
      return step;
    }
    const { member } = event;
    if (member.state === "alive") return this.#alive(member, now);
    return member.state === "down" ? this.#lost(member.id, now) : this.#left(member.id);
  }

  /** Forgets those lost long ago; true if there were any. */
  forget(nowMs: Ms): boolean {
    if (this.nextForgottenMs > nowMs) return false;
    for (const { id, lostMs } of [...this.#known.values()]) {
      if (lostMs !== undefined && lostMs + this.#panicMaxMs <= nowMs) this.#known.delete(id);
    }
    return true;
  }

  #alive(member: Member, now: Instant): InstanceStep {
    const { id, address, data } = member;
    const found = decodeRecord(data);
    if (!found.ok) {
      this.#known.delete(id);
      return { kind: "invalid", id, reason: found.reason };
    }
    const { record } = found;
    const bornMs = this.#known.get(id)?.bornMs ?? this.#bornMs(member, now);
    this.#known.set(id, { id, address, record, bornMs, lostMs: undefined });
    return CHANGED;
  }

  /**
   * The incarnation of a member by leases is the store's time in microseconds. Between the store's
   * clock and ours may lie anything, so it is believed within what is known here: not before the
   * list was last whole, as it was not in it, and not after now.
   */
  #bornMs({ incarnation }: Member, now: Instant): Ms {
    const ageMs = Math.max(0, now.wallMs - incarnation / 1_000);
    const wholeMs = this.#isStale ? this.#wholeMs : now.monotonicMs;
    return Math.max(now.monotonicMs - ageMs, wholeMs);
  }

  #lost(id: string, now: Instant): InstanceStep {
    const instance = this.#known.get(id);
    if (instance === undefined || instance.lostMs !== undefined) return SAME;
    if (instance.record.state === "draining") return this.#left(id);
    this.#known.set(id, { ...instance, lostMs: now.monotonicMs });
    return CHANGED;
  }

  #left(id: string): InstanceStep {
    return this.#known.delete(id) ? CHANGED : SAME;
  }
}
