/**
 * Leases on the wire: operations as a script's arguments, its answers, the record of a name.
 *
 * The formats are those of `lua/lease.lua`. Owners are escaped so that no separator is in them;
 * data travels as JSON, for the same reason. What comes back was written by some process of the
 * same namespace, perhaps another version, perhaps by hand: what cannot be read is left out.
 */
import type { LeaseHolder, LeaseState, LeaseWaiter, Ms } from "@quorate/core";

/** A holder as stored. */
export interface StoredHolder {
  readonly owner: string;
  readonly fencingToken: number;
  readonly endMicros: number;
  readonly weight: number;
  readonly data: string | undefined;
}

/** A record as stored. */
export interface StoredLease {
  readonly holders: readonly StoredHolder[];
  readonly waiters: readonly LeaseWaiter[];
}

/** What an operation came to. */
export type LeaseReply =
  | { readonly kind: "granted"; readonly fencingToken: number }
  | { readonly kind: "queued"; readonly rank: number; readonly soonestMicros: number }
  | { readonly kind: "refused"; readonly holders: readonly StoredHolder[] }
  | { readonly kind: "left"; readonly holders: readonly StoredHolder[] }
  | { readonly kind: "full" | "late" | "released" | "renewed" | "ended" };

/** A push to the inbox of a process. */
export type InboxPush =
  | {
      readonly kind: "granted";
      readonly field: string;
      readonly owner: string;
      readonly fencingToken: number;
      readonly endMicros: number;
    }
  | {
      readonly kind: "watch";
      readonly field: string;
      readonly owner: string;
      /** 1 or 2: which of the watchers. */
      readonly rank: number;
      readonly soonestMicros: number;
    }
  | { readonly kind: "ping" };

const MICROS_DIGITS = 16;
const PLAIN = /^[0-9A-Za-z_-]*$/;
const WEIGHT_1 = "0000000000000001";
const MAX_WAITERS_SHOWN = 1_000;

/** An owner as it stands in records. */
export function encodeOwner(owner: string): string {
  return PLAIN.test(owner) ? owner : encodeURIComponent(owner);
}

/** A weight in 16 digits. */
export function encodeWeight(weight: number): string {
  return weight === 1 ? WEIGHT_1 : String(weight).padStart(MICROS_DIGITS, "0");
}

/** The server's time in front of every answer. */
export function microsOf(answer: string): number {
  return Number(answer.slice(0, MICROS_DIGITS));
}

/** Reads an answer to "A" or "R" or "N"; `asked` tells apart what one letter means to each. */
export function parseReply(answer: string): LeaseReply {
  const letter = answer[MICROS_DIGITS];
  const body = MICROS_DIGITS + 1;
  switch (letter) {
    case "G":
      return { kind: "granted", fencingToken: Number(answer.slice(body, body + MICROS_DIGITS)) };
    case "Q":
      return {
        kind: "queued",
        rank: Number(answer[body]),
        soonestMicros: Number(answer.slice(body + 1)),
      };
    case "N":
      // A renewal's answer has nothing behind the letter; a refusal names at least one holder, or
      // the claim would have been granted.
      if (answer.length === body) return { kind: "renewed" };
      return { kind: "refused", holders: parseHolders(answer.slice(body)) };
    case "W":
      return { kind: "left", holders: parseHolders(answer.slice(body)) };
    case "R":
      return { kind: "released" };
    case "F":
      return { kind: "full" };
    case "L":
      return { kind: "late" };
    case undefined:
    default:
      return { kind: "ended" };
  }
}

/** Reads a push; `undefined` for what is not one. */
export function parsePush(data: Buffer): InboxPush | undefined {
  const [kind, field, owner, first, second] = data.toString("utf8").split("\t");
  if (kind === "P") return { kind: "ping" };
  if (field === undefined || owner === undefined) return undefined;
  if (kind === "G") {
    return {
      kind: "granted",
      field,
      owner,
      fencingToken: Number(first),
      endMicros: Number(second),
    };
  }
  if (kind !== "H") return undefined;
  return { kind: "watch", field, owner, rank: Number(second), soonestMicros: Number(first) };
}

/** Reads a record. */
export function parseRecord(record: string): StoredLease {
  const cut = record.indexOf("\f");
  if (cut < 0) return { holders: [], waiters: [] };
  return {
    holders: parseHolders(record.slice(2 * MICROS_DIGITS, cut)),
    waiters: parseWaiters(record.slice(cut + 1)),
  };
}

function parseHolders(text: string): readonly StoredHolder[] {
  const holders: StoredHolder[] = [];
  for (const line of text.split("\n")) {
    const [owner, token, end, , weight, , , data] = line.split("\t");
    const decoded = decodeOwner(owner);
    if (decoded === undefined || data === undefined) continue;
    holders.push({
      owner: decoded,
      fencingToken: Number(token),
      endMicros: Number(end),
      weight: Number(weight),
      data: decodeData(data),
    });
  }
  return holders.toSorted((left, right) => left.fencingToken - right.fencingToken);
}

function parseWaiters(text: string): readonly LeaseWaiter[] {
  const waiters: LeaseWaiter[] = [];
  for (const line of text.split("\n")) {
    const [owner, weight, , , , data] = line.split("\t");
    const decoded = decodeOwner(owner);
    if (decoded === undefined || data === undefined) continue;
    const shown = decodeData(data);
    waiters.push({
      owner: decoded,
      weight: Number(weight),
      ...(shown === undefined ? {} : { data: shown }),
    });
    if (waiters.length === MAX_WAITERS_SHOWN) break;
  }
  return waiters;
}

/** What observers see: holders whose time is not over at the server's `nowMicros`. */
export function shownHolders(
  holders: readonly StoredHolder[],
  nowMicros: number,
): readonly LeaseHolder[] {
  return holders
    .filter((holder) => holder.endMicros > nowMicros)
    .map((holder) => shownHolder(holder, nowMicros));
}

/** One holder as observers see it. */
export function shownHolder(holder: StoredHolder, nowMicros: number): LeaseHolder {
  const { owner, fencingToken, weight, data } = holder;
  const expiresInMs: Ms = Math.max(0, (holder.endMicros - nowMicros) / 1_000);
  return { owner, fencingToken, weight, expiresInMs, ...(data === undefined ? {} : { data }) };
}

/** A name as observers see it. */
export function shownState(name: string, lease: StoredLease, nowMicros: number): LeaseState {
  return { name, holders: shownHolders(lease.holders, nowMicros), waiters: lease.waiters };
}

function decodeOwner(encoded: string | undefined): string | undefined {
  if (encoded === undefined || encoded === "") return undefined;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

/** Data as it stands in records: JSON has no separator of ours in it. */
export function encodeData(data: string | undefined): string {
  return data === undefined ? "" : JSON.stringify(data);
}

function decodeData(encoded: string): string | undefined {
  if (encoded === "") return undefined;
  try {
    const data: unknown = JSON.parse(encoded);
    return typeof data === "string" ? data : undefined;
  } catch {
    return undefined;
  }
}
