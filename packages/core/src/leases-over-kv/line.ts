/**
 * The machine of a lease name: what a record becomes by what is asked.
 *
 * Pure: (record, inputs, view) to (record', verdicts). The view says who asks and whom the asker
 * has seen silent for too long; the machine owns no clock and sends nothing. A step removes the
 * dead, takes the inputs in order, then promotes from the front of the line. Every input may be
 * applied again to a record that has its effect already, so a shell that does not know whether a
 * write landed just reads and steps again.
 *
 * Hand-over. A grant to a waiter of another process is provisional: its process must confirm it
 * within a claim window. One that does not goes back to the front of the line as *skipped*, and is
 * passed over until its process answers. So a paused process keeps its place, a dead one costs one
 * window, and neither blocks the line.
 *
 * Guarantees: weights granted fit the capacity of each claim as it is granted; first come, first
 * served, except `fair: false` and skipped claims. Does not guarantee that a claim which does not
 * fit lets smaller ones pass: it blocks them, so that it does not starve.
 */
import type { FencingToken, Ms } from "../waist/common.ts";
import { type Claim, EXPIRED_KEPT, type Holder, type LeaseRecord, type Waiter } from "./record.ts";

/** What may be asked of a record. */
export type Input =
  /** Hold, confirm what was handed over, or (`wait`) stand in line. Renews what is held. */
  | { readonly kind: "claim"; readonly claim: Claim; readonly wait: boolean }
  | {
      readonly kind: "renew";
      readonly owner: string;
      readonly token: FencingToken;
      readonly ttlMs: Ms;
    }
  /** Give back; without a token whatever this owner has, its place in line too. */
  | { readonly kind: "release"; readonly owner: string; readonly token: FencingToken | undefined }
  /** The wait is over: leave the line, but keep (and confirm) what was granted in that instant. */
  | { readonly kind: "settle"; readonly owner: string }
  /** What is there of this owner? */
  | { readonly kind: "look"; readonly owner: string };

/**
 * What an input came to. `held`: holds, confirmed or renewed by this step. `waiting`: in line.
 * `present`: a look found it, holding or waiting. `absent`: this owner (with this token) neither
 * holds nor waits. `full`: no room in the record.
 */
export type Verdict = "held" | "waiting" | "refused" | "released" | "present" | "absent" | "full";

/** The asker's view of the others. */
export interface View {
  /** Stands in line here, in the asker's own process: a grant to it needs no confirmation. */
  isHere(waiter: Claim): boolean;
  /** Silent beyond its time. */
  isDead(holder: Holder): boolean;
  /** Has not answered a roll call for too long. */
  isGhost(waiter: Waiter): boolean;
  /** Whether those ahead let a free lease lie although it was their turn: pass over them. */
  readonly overtake: boolean;
  /** Whether to ask every other process in line for a sign of life. */
  readonly rollCall: boolean;
  /** Bound of the record, in the rough measure of `roughSize`. */
  readonly maxBytes: number;
}

/** What a step came to. */
export interface Stepped {
  readonly record: LeaseRecord;
  /** One for each input, in order. */
  readonly verdicts: readonly Verdict[];
  /** False: the record is as it was, and need not be written. */
  readonly changed: boolean;
}

/** More grants than this in one write wait for the next: see the proof about tokens. */
const GRANTS_PER_WRITE = 64;
/** A waiter's longer data is left out until it holds: a line of 1000 must fit in one value. */
const WAITER_DATA_LENGTH = 256;
/** Numbers, brackets and the process of one claim. */
const CLAIM_BYTES = 110;
const ONE_BYTE_EACH = /^[ !#-[\]-~]*$/;

/** The record while a step works on it. */
interface Draft {
  readonly holders: Map<string, Holder>;
  line: Map<string, Waiter>;
  readonly expired: FencingToken[];
  rolls: number;
  /** Weights of the holders. */
  used: number;
  bytes: number;
  granted: number;
  changed: boolean;
}

/** Takes `inputs` in order. */
export function step(record: LeaseRecord, inputs: readonly Input[], view: View): Stepped {
  const draft: Draft = {
    holders: new Map(record.holders),
    line: new Map(record.line),
    expired: [...record.expired],
    rolls: record.rolls,
    used: 0,
    bytes: 0,
    granted: 0,
    changed: false,
  };
  for (const holder of draft.holders.values()) draft.used += holder.weight;
  for (const claims of [draft.holders, draft.line]) {
    for (const claim of claims.values()) draft.bytes += roughSize(claim);
  }
  bury(draft, view);
  const early = inputs.map((input) => take(draft, input, view));
  promote(draft, view);
  if (view.rollCall) callRoll(draft, view);
  const verdicts = early.map((verdict, index) => {
    const input = inputs[index];
    if (verdict !== "waiting" || input?.kind !== "claim") return verdict;
    return draft.holders.has(input.claim.owner) ? "held" : verdict;
  });
  if (!draft.changed) return { record, verdicts, changed: false };
  const { holders, line, rolls } = draft;
  const expired = draft.expired.slice(-EXPIRED_KEPT);
  return { record: { last: record.last, holders, line, expired, rolls }, verdicts, changed: true };
}

/** Removes the dead. A grantee that never confirmed steps back to the front instead. */
function bury(draft: Draft, view: View): void {
  const back: [string, Waiter][] = [];
  for (const holder of draft.holders.values()) {
    if (!view.isDead(holder)) continue;
    draft.holders.delete(holder.owner);
    draft.used -= holder.weight;
    draft.changed = true;
    if (holder.confirmed) {
      draft.expired.push(holder.token);
      draft.bytes -= roughSize(holder);
    } else {
      draft.rolls += 1;
      back.push([holder.owner, { ...claimOf(holder), asked: draft.rolls, skipped: true }]);
    }
  }
  if (back.length > 0) draft.line = new Map([...back, ...draft.line]);
  const silent = new Set(back.map(([, waiter]) => waiter.process));
  for (const waiter of draft.line.values()) {
    if (view.isGhost(waiter)) {
      draft.line.delete(waiter.owner);
      draft.bytes -= roughSize(waiter);
      draft.changed = true;
    } else if (silent.has(waiter.process)) skip(draft, waiter);
  }
}

function take(draft: Draft, input: Input, view: View): Verdict {
  switch (input.kind) {
    case "claim":
      return claim(draft, input.claim, input.wait, view);
    case "renew": {
      const holder = draft.holders.get(input.owner);
      if (holder?.token !== input.token) return "absent";
      return confirm(draft, holder, { ...holder, ttlMs: input.ttlMs });
    }
    case "release":
      return release(draft, input.owner, input.token);
    case "settle": {
      const holder = draft.holders.get(input.owner);
      if (holder !== undefined) return confirm(draft, holder, holder);
      return release(draft, input.owner, undefined);
    }
    case "look":
      return draft.holders.has(input.owner) || draft.line.has(input.owner) ? "present" : "absent";
  }
}

function claim(draft: Draft, wanted: Claim, wait: boolean, view: View): Verdict {
  const holder = draft.holders.get(wanted.owner);
  if (holder !== undefined) return confirm(draft, holder, wanted);
  const waiter = draft.line.get(wanted.owner);
  if (waiter !== undefined) return claimInLine(draft, waiter, wanted, wait);
  const free = fits(draft, wanted) && (!wanted.fair || firstInTurn(draft) === undefined);
  if (!free && !wait) return "refused";
  if (draft.bytes + roughSize(wanted) > view.maxBytes) return "full";
  draft.bytes += roughSize(wanted);
  if (free) {
    grant(draft, wanted, true);
    return "held";
  }
  const data = (wanted.data?.length ?? 0) > WAITER_DATA_LENGTH ? undefined : wanted.data;
  draft.line.set(wanted.owner, { ...wanted, data, asked: 0, skipped: false });
  draft.changed = true;
  return "waiting";
}

/** The same claim again, while it waits: a sign of life, which keeps its place. */
function claimInLine(draft: Draft, waiter: Waiter, wanted: Claim, wait: boolean): Verdict {
  const { process } = wanted;
  if (waiter.asked !== 0 || waiter.skipped || waiter.process !== process) {
    draft.line.set(waiter.owner, { ...waiter, process, asked: 0, skipped: false });
    draft.changed = true;
  }
  // Whoever does not wait is told that it was refused, unless the step's end grants it.
  const inTurn = !waiter.fair || firstInTurn(draft)?.owner === waiter.owner;
  return wait || (inTurn && fits(draft, waiter)) ? "waiting" : "refused";
}

/** A sign of life of one who holds: the same token, a new beat. */
function confirm(draft: Draft, holder: Holder, wanted: Claim): Verdict {
  const { ttlMs, data, process } = wanted;
  const renewed = { ...holder, ttlMs, data: data ?? holder.data, process, confirmed: true };
  draft.holders.set(holder.owner, { ...renewed, beat: holder.beat + 1, idleMs: 0 });
  draft.changed = true;
  return "held";
}

function release(draft: Draft, owner: string, token: FencingToken | undefined): Verdict {
  const holder = draft.holders.get(owner);
  if (holder !== undefined && (token === undefined || token === holder.token)) {
    draft.holders.delete(owner);
    draft.used -= holder.weight;
    draft.bytes -= roughSize(holder);
    draft.changed = true;
    return "released";
  }
  const waiter = token === undefined ? draft.line.get(owner) : undefined;
  if (waiter === undefined) return "absent";
  draft.line.delete(owner);
  draft.bytes -= roughSize(waiter);
  draft.changed = true;
  return "released";
}

/** Grants from the front while it fits; those who asked to overtake, from anywhere. */
function promote(draft: Draft, view: View): void {
  // True while those are looked at who are ahead of the first of our own.
  let ahead = view.overtake && [...draft.line.values()].some((waiter) => view.isHere(waiter));
  let blocked = false;
  for (const waiter of draft.line.values()) {
    if (view.isHere(waiter)) ahead = false;
    if (waiter.skipped || (blocked && waiter.fair)) continue;
    if (!fits(draft, waiter)) {
      blocked = true;
    } else if (ahead) {
      draft.rolls += 1;
      skip(draft, waiter);
    } else if (draft.granted < GRANTS_PER_WRITE) {
      draft.line.delete(waiter.owner);
      grant(draft, waiter, view.isHere(waiter));
    }
  }
}

function callRoll(draft: Draft, view: View): void {
  draft.rolls += 1;
  draft.changed = true;
  for (const waiter of draft.line.values()) {
    if (waiter.asked !== 0 || view.isHere(waiter)) continue;
    draft.line.set(waiter.owner, { ...waiter, asked: draft.rolls });
  }
}

function skip(draft: Draft, waiter: Waiter): void {
  if (waiter.skipped) return;
  const asked = waiter.asked === 0 ? draft.rolls : waiter.asked;
  draft.line.set(waiter.owner, { ...waiter, asked, skipped: true });
  draft.changed = true;
}

function grant(draft: Draft, of: Claim, confirmed: boolean): void {
  const claimed = { ...claimOf(of), confirmed };
  draft.holders.set(of.owner, { ...claimed, token: 0, beat: 0, idleMs: 0 });
  draft.used += of.weight;
  draft.granted += 1;
  draft.changed = true;
}

function fits(draft: Draft, wanted: Claim): boolean {
  return draft.used + wanted.weight <= wanted.capacity;
}

/** The first in line that has not been passed over. */
function firstInTurn(draft: Draft): Waiter | undefined {
  for (const waiter of draft.line.values()) if (!waiter.skipped) return waiter;
  return undefined;
}

function claimOf(of: Claim): Claim {
  const { owner, process, weight, capacity, ttlMs, fair, data } = of;
  return { owner, process, weight, capacity, ttlMs, fair, data };
}

/** An upper bound of a claim's share of the record, cheap enough to sum up at each step. */
function roughSize(of: Claim): number {
  return CLAIM_BYTES + roughLength(of.owner) + roughLength(of.data ?? "");
}

/** Plain text takes a byte each; what JSON escapes takes up to 6. */
function roughLength(text: string): number {
  return ONE_BYTE_EACH.test(text) ? text.length : 6 * text.length;
}
