/**
 * One member as a group knows it, and whether a heartbeat of it may count.
 *
 * Heartbeats are numbered by their place in the sender's schedule. A number that is not greater
 * than the last one came twice or late. One that leaps further than the time that passed allows is
 * forged: believed, it would make all true ones look late. But what is refused and yet goes on at
 * the usual pace is the truth, and what was believed before it was not: the third in a row counts.
 */
import type { Ms } from "@quorate/core";
import type { Confirmation } from "../detectors/confirmation.ts";
import type { Member } from "../membership.ts";
import type { BeatMessage, Identity } from "./wire.ts";

/** A member. */
export interface Entry {
  readonly identity: Identity;
  readonly seq: number;
  readonly revision: number;
  readonly data: string;
  readonly confirmation: Confirmation;
  /** Since when its state is what it is. */
  readonly sinceMs: Ms;
  /** When a heartbeat last counted. */
  readonly heardMs: Ms;
  /** Heartbeats that were refused since then. */
  readonly strays: Strays | undefined;
  /** When it was last told that it is known by a later life. */
  readonly correctedMs: Ms;
}

interface Strays {
  readonly seq: number;
  readonly heardMs: Ms;
  readonly count: number;
}

/** What a heartbeat's number comes to. `stray`: with the entry that remembers it. */
export type SeqVerdict =
  | { readonly kind: "next" }
  /** What was believed before was wrong. */
  | { readonly kind: "anew" }
  | { readonly kind: "stray"; readonly why: "repeated" | "implausible"; readonly strays: Strays };

/** Numbers that may be skipped at any time, and how many times faster than time they may go. */
const FREE_LEAP = 100;
const LEAP_RATE = 4;
const STRAYS_IN_A_ROW = 3;

/** Judges a heartbeat's number. */
export function judgeSeq(entry: Entry, seq: number, intervalMs: Ms, nowMs: Ms): SeqVerdict {
  const passed = (nowMs - entry.heardMs) / intervalMs;
  const isLate = seq <= entry.seq;
  if (!isLate && seq - entry.seq <= FREE_LEAP + LEAP_RATE * passed) return { kind: "next" };
  const before = entry.strays;
  const goesOn =
    before !== undefined &&
    seq > before.seq &&
    seq - before.seq <= FREE_LEAP &&
    nowMs - before.heardMs >= intervalMs / 2;
  const count = goesOn ? before.count + 1 : 1;
  if (count >= STRAYS_IN_A_ROW) return { kind: "anew" };
  const strays = { seq, heardMs: nowMs, count };
  return { kind: "stray", why: isLate ? "repeated" : "implausible", strays };
}

/** A member by its first heartbeat, or by the first of another life. */
export function entryOf(beat: BeatMessage, confirmation: Confirmation, nowMs: Ms): Entry {
  const { id, incarnation, life, seq, revision, data } = beat;
  return {
    identity: { id, incarnation, life },
    ...{ seq, revision, data, confirmation },
    ...{ sinceMs: nowMs, heardMs: nowMs, strays: undefined, correctedMs: -Infinity },
  };
}

/** As others see it. */
export function memberOf({ identity, confirmation, sinceMs, data }: Entry): Member {
  const { id, incarnation } = identity;
  return { id, incarnation, state: confirmation.kind, sinceMs, address: "", data };
}
