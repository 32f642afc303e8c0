/**
 * What an observer tells: leaders in the order of their terms, none of them twice.
 *
 * Two streams come in: the grants and ends of the lease, and the records of terms. Links break,
 * watches begin anew, an end is heard before its grant or never. So nothing is passed on as it
 * comes: what came is put together to one view, and what is told is the difference between the view
 * and what was told before. A reader that is slow skips terms; memory is one view.
 *
 * Guarantees: terms only grow; a leader is told as elected once; the last state is always told.
 * Does not guarantee that the leader told of still leads: only `check()` of its own can.
 */
import {
  type Change,
  decodeFenceRecord,
  type FencingToken,
  type Json,
  type LeaseEvent,
  type LeaseHolder,
  type Ms,
} from "@quorate/core";
import { decodeStanding, decodeTermRecord, type TermRecord } from "./record.ts";

/** One who leads, as the store knows it. */
export interface Leader {
  /** The term, which is the fencing token: greater than that of every leader before. */
  readonly term: FencingToken;
  /** Name of the candidate; `?` where the lease is held by something that is not one of ours. */
  readonly candidate: string;
  /** The value of the campaign, or what was published since. Objects have no prototype. */
  readonly value: Json | undefined;
  /** When its work began, by its own wall clock; for people. `undefined`: not recorded (yet). */
  readonly sinceMs: Ms | undefined;
}

/** One step of `observe`. */
export type Observation =
  /** A new term. Each is told once; terms only grow. */
  | { readonly kind: "elected"; readonly term: FencingToken; readonly leader: Leader }
  /** The same leader: it published a value, or it was taken for gone and is not. */
  | { readonly kind: "changed"; readonly term: FencingToken; readonly leader: Leader }
  /** Nobody leads. `term`: the last that is known of, 0 where none is. */
  | { readonly kind: "vacant"; readonly term: FencingToken; readonly leader: undefined };

/** A holder as a leader. */
export function leaderOf(
  holder: Pick<LeaseHolder, "fencingToken"> & { readonly data?: string },
  record: TermRecord | undefined,
): Leader {
  const term = holder.fencingToken;
  const { candidate, value } = decodeStanding(holder.data);
  const own = record?.term === term ? record : undefined;
  const published = own?.published;
  return {
    term,
    candidate,
    value: published === undefined ? value : published.value,
    sinceMs: own?.sinceMs,
  };
}

/** The record in a kv entry's value. */
export function recordIn(value: Uint8Array): TermRecord | undefined {
  const fence = decodeFenceRecord(value);
  return fence === undefined ? undefined : decodeTermRecord(fence.payload);
}

/** The view of one observer. */
export class LeaderView {
  #term: FencingToken = 0;
  #holder: LeaseHolder | undefined;
  #record: TermRecord | undefined;
  #recordRevision = 0;
  #isComplete = false;
  /** Whether the watch, since it was opened last, has told of a holder. */
  #hasHolder = false;
  #told: { readonly term: FencingToken; readonly what: string } | undefined;

  /** A new watch on the lease begins: it will tell the state first. */
  reopened(): void {
    this.#hasHolder = false;
  }

  /** Takes what the watch on the lease tells. */
  takeLease(event: LeaseEvent): void {
    if (event.kind === "granted") {
      if (event.holder.fencingToken < this.#term) return;
      this.#term = event.holder.fencingToken;
      this.#holder = event.holder;
      this.#hasHolder = true;
    } else if (event.kind === "ended") {
      if (event.fencingToken < this.#term) return;
      this.#term = event.fencingToken;
      this.#holder = undefined;
    } else if (event.kind === "synced") {
      this.#isComplete = true;
      if (!this.#hasHolder) this.#holder = undefined;
    }
  }

  /** Takes what the watch on the term's record tells. */
  takeRecord(change: Change): void {
    if (change.kind !== "put" || change.entry.revision <= this.#recordRevision) return;
    this.#recordRevision = change.entry.revision;
    const record = recordIn(change.entry.value);
    // Never back to an older term's value, whatever is found there.
    if (record !== undefined && record.term >= (this.#record?.term ?? 0)) this.#record = record;
  }

  /** What has not been told yet; asked for it counts as told. */
  take(): Observation | undefined {
    const holder = this.#holder;
    if (holder === undefined) return this.#takeVacancy();
    const leader = leaderOf(holder, this.#record);
    const what = `leads ${JSON.stringify([leader.candidate, leader.value])}`;
    const told = this.#told;
    if (told?.term === leader.term && told.what === what) return undefined;
    const isNew = told === undefined || told.term < leader.term;
    this.#told = { term: leader.term, what };
    return { kind: isNew ? "elected" : "changed", term: leader.term, leader };
  }

  #takeVacancy(): Observation | undefined {
    if (!this.#isComplete || this.#told?.what === "vacant") return undefined;
    // With the term told of last as its own: should that leader be back, it is not elected anew.
    this.#told = { term: this.#told?.term ?? 0, what: "vacant" };
    return { kind: "vacant", term: this.#term, leader: undefined };
  }
}
