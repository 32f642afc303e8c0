/**
 * The lease machine of one name: who holds, who stands in line, and every step between.
 *
 * `(line, input, now) → (line, answer, effects)`; states are values, nothing is written into. It
 * is the specification of leases: memory runs it, the simulator checks against it, and the scripts
 * of other engines are read beside it.
 *
 * A grant to one who asks in person is firm. A grant to one who waited is provisional: the waiter
 * may be paused or gone, so it has a claim window to confirm, and else the next in line is granted
 * and all other waiters of that process step back behind everybody.
 *
 * Guarantees: the weights held fit the capacity of each claim as it was granted; tokens grow with
 * every grant; the line moves in order of arrival, except for claims that asked to overtake; in
 * every state the head of the line does not fit, so nobody waits for what is free.
 */
import { nextPosition, type Now } from "./now.ts";

/** How long a waiter that was granted may take to confirm, at most. */
export const CLAIM_WINDOW_MS = 500;

/** A claim as it was asked. */
export interface Claim {
  readonly owner: string;
  /** The process to tell; grants to one process's waiters fail together. */
  readonly process: string;
  readonly weight: number;
  readonly capacity: number;
  readonly ttlMs: number;
  readonly fair: boolean;
  readonly data: string | undefined;
}

/** A claim that holds. */
export interface Holder extends Claim {
  readonly token: number;
  readonly expiresAtMs: number;
  /** Provisional: must confirm until `expiresAtMs`. */
  readonly provisional: boolean;
}

/** A claim in line. */
export interface Waiter extends Claim {
  /** Leaves by itself then; `Infinity`: never. */
  readonly untilMs: number;
}

/** One name's state. */
export interface LeaseLine {
  /** In order of their tokens. */
  readonly holders: readonly Holder[];
  readonly waiters: readonly Waiter[];
  /** The last token granted; 0 before the first. */
  readonly lastToken: number;
}

/** What may happen to a name. */
export type LeaseInput =
  | { readonly kind: "claim"; readonly claim: Claim; readonly waitMs: number }
  | {
      readonly kind: "renew";
      readonly owner: string;
      readonly token: number;
      readonly ttlMs: number;
    }
  /** Ends a claim whether it holds or waits. Without a token: whatever this owner has. */
  | { readonly kind: "release"; readonly owner: string; readonly token: number | undefined }
  /** The process is gone for good: its waiters leave. Its leases last for their TTL. */
  | { readonly kind: "gone"; readonly process: string }
  | { readonly kind: "tick" };

/** The answer to whoever asked. */
export type LeaseAnswer =
  | { readonly kind: "granted"; readonly holder: Holder }
  | { readonly kind: "waiting" }
  | { readonly kind: "refused" }
  | { readonly kind: "renewed" }
  | { readonly kind: "lost" }
  | { readonly kind: "released" }
  | { readonly kind: "expired" }
  | { readonly kind: "none" };

/** What to tell others. */
export type LeaseEffect =
  | { readonly kind: "granted"; readonly holder: Holder }
  | {
      readonly kind: "ended";
      readonly owner: string;
      readonly token: number;
      readonly reason: "released" | "expired" | "unknown";
    };

/** A state with what led to it. */
export interface LeaseStep {
  readonly line: LeaseLine;
  readonly answer: LeaseAnswer;
  readonly effects: readonly LeaseEffect[];
}

/** A name that nobody holds or waits for. */
export const FREE_LINE: LeaseLine = { holders: [], waiters: [], lastToken: 0 };

/** One step. What fell due by `now` has ended before `input` is looked at. */
export function stepLease(line: LeaseLine, input: LeaseInput, now: Now): LeaseStep {
  const draft: Draft = { ...line, effects: [], now };
  expire(draft);
  promote(draft);
  const answer = apply(draft, input);
  promote(draft);
  const { holders, waiters, lastToken, effects } = draft;
  return { line: { holders, waiters, lastToken }, answer, effects };
}

/** When the line changes by itself next. */
export function nextDueMs(line: LeaseLine): number | undefined {
  let dueMs = Infinity;
  for (const holder of line.holders) dueMs = Math.min(dueMs, holder.expiresAtMs);
  for (const waiter of line.waiters) dueMs = Math.min(dueMs, waiter.untilMs);
  return dueMs === Infinity ? undefined : dueMs;
}

/** A state in the making; its arrays are replaced, not written into. */
interface Draft {
  holders: readonly Holder[];
  waiters: readonly Waiter[];
  lastToken: number;
  readonly effects: LeaseEffect[];
  readonly now: Now;
}

function apply(draft: Draft, input: LeaseInput): LeaseAnswer {
  switch (input.kind) {
    case "claim":
      return ask(draft, input.claim, input.waitMs);
    case "renew":
      return renew(draft, input);
    case "release":
      return release(draft, input);
    case "gone":
      draft.waiters = draft.waiters.filter((waiter) => waiter.process !== input.process);
      return { kind: "none" };
    case "tick":
      return { kind: "none" };
  }
}

function ask(draft: Draft, claim: Claim, waitMs: number): LeaseAnswer {
  const { now } = draft;
  const held = draft.holders.find((holder) => holder.owner === claim.owner);
  if (held !== undefined) {
    // Asking again is as good as a renewal: the answer's window counts from this request.
    const expiresAtMs = Math.max(held.expiresAtMs, now.ms + claim.ttlMs);
    const holder = { ...held, ttlMs: claim.ttlMs, expiresAtMs, provisional: false };
    replaceHolder(draft, held, holder);
    return { kind: "granted", holder };
  }
  const place = draft.waiters.findIndex((waiter) => waiter.owner === claim.owner);
  const first = place === -1 ? draft.waiters.length === 0 : place === 0;
  if ((first || !claim.fair) && fits(draft, claim)) {
    draft.waiters = draft.waiters.filter((waiter) => waiter.owner !== claim.owner);
    return { kind: "granted", holder: grant(draft, claim, false) };
  }
  if (waitMs <= 0) {
    draft.waiters = draft.waiters.filter((waiter) => waiter.owner !== claim.owner);
    return { kind: "refused" };
  }
  const waiter: Waiter = { ...claim, untilMs: now.ms + waitMs };
  draft.waiters = place === -1 ? [...draft.waiters, waiter] : draft.waiters.with(place, waiter);
  return { kind: "waiting" };
}

function renew(draft: Draft, input: LeaseInput & { readonly kind: "renew" }): LeaseAnswer {
  const held = draft.holders.find((holder) => holder.owner === input.owner);
  if (held === undefined || held.token !== input.token) return { kind: "lost" };
  const { ttlMs } = input;
  const expiresAtMs = draft.now.ms + ttlMs;
  replaceHolder(draft, held, { ...held, ttlMs, expiresAtMs, provisional: false });
  return { kind: "renewed" };
}

function release(draft: Draft, input: LeaseInput & { readonly kind: "release" }): LeaseAnswer {
  const { owner, token } = input;
  if (token === undefined) draft.waiters = draft.waiters.filter((each) => each.owner !== owner);
  const held = draft.holders.find((holder) => holder.owner === owner);
  if (held === undefined || (token !== undefined && held.token !== token)) {
    return { kind: "expired" };
  }
  end(draft, held, "released");
  return { kind: "released" };
}

function expire(draft: Draft): void {
  const { now } = draft;
  draft.waiters = draft.waiters.filter((waiter) => waiter.untilMs > now.ms);
  const overdue = draft.holders
    .filter((holder) => holder.expiresAtMs <= now.ms)
    .sort((left, right) => left.expiresAtMs - right.expiresAtMs);
  for (const holder of overdue) {
    end(draft, holder, "expired");
    if (holder.provisional) stepBack(draft, holder.process);
  }
}

/** A process that let its turn lapse may be paused: its others must not cost a window each. */
function stepBack(draft: Draft, process: string): void {
  const silent = draft.waiters.filter((waiter) => waiter.process === process);
  const others = draft.waiters.filter((waiter) => waiter.process !== process);
  draft.waiters = [...others, ...silent];
}

/** Grants to the head of the line while it fits, then to those who may overtake. */
function promote(draft: Draft): void {
  for (let head = draft.waiters[0]; head !== undefined && fits(draft, head);) {
    draft.waiters = draft.waiters.slice(1);
    grant(draft, head, true);
    head = draft.waiters[0];
  }
  for (const waiter of draft.waiters) {
    if (waiter.fair || !fits(draft, waiter)) continue;
    draft.waiters = draft.waiters.filter((each) => each !== waiter);
    grant(draft, waiter, true);
  }
}

function fits(draft: Draft, claim: Claim): boolean {
  const heldWeight = draft.holders.reduce((sum, holder) => sum + holder.weight, 0);
  return heldWeight + claim.weight <= claim.capacity;
}

function grant(draft: Draft, claim: Claim, provisional: boolean): Holder {
  const { now } = draft;
  draft.lastToken = nextPosition(draft.lastToken, now);
  const { owner, process, weight, capacity, ttlMs, fair, data } = claim;
  const expiresAtMs = now.ms + (provisional ? Math.min(ttlMs, CLAIM_WINDOW_MS) : ttlMs);
  const token = draft.lastToken;
  const facts = { owner, process, weight, capacity, ttlMs, fair, data };
  const holder: Holder = { ...facts, token, expiresAtMs, provisional };
  draft.holders = [...draft.holders, holder];
  draft.effects.push({ kind: "granted", holder });
  return holder;
}

function end(draft: Draft, holder: Holder, reason: "released" | "expired"): void {
  draft.holders = draft.holders.filter((each) => each !== holder);
  draft.effects.push({ kind: "ended", owner: holder.owner, token: holder.token, reason });
}

function replaceHolder(draft: Draft, before: Holder, after: Holder): void {
  draft.holders = draft.holders.map((each) => (each === before ? after : each));
}
