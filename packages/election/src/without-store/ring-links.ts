/**
 * The ring's links: to whom a token goes next, and what to do if it is not acknowledged.
 *
 * A successor that does not acknowledge is passed over for a while, and the same token goes to the
 * one after it. So the ring closes again round dead members, and opens for those that come back.
 *
 * Guarantees: a token that nobody takes is given up; memory is bounded. Does not guarantee that a
 * token is taken once: where only the acknowledgement was lost, it goes on twice.
 */
import type { Ms } from "@quorate/core";
import type { Token } from "./ballot.ts";
import type { Effect, MachineSettings } from "./machine.ts";
import type { Members } from "./members.ts";

/** A token on its way to a successor that has not acknowledged it. */
export interface Pending {
  readonly to: string;
  readonly token: Token;
  readonly dueMs: Ms;
}

/** A member's links. */
export interface Links {
  readonly pending: readonly Pending[];
  /** Members that are passed over, and until when. */
  readonly silent: ReadonlyMap<string, Ms>;
  readonly nextSeq: number;
}

/** Links of a member that has sent nothing. */
export const NO_LINKS: Links = { pending: [], silent: new Map(), nextSeq: 1 };

/** Most tokens that wait for an acknowledgement; the oldest is given up first. */
const MAX_PENDING = 16;
/** A silent member is tried again after this many times the time that makes it suspect. */
const SILENT_SUSPICIONS = 2;

/** What sending a token came to. */
export interface Passed {
  readonly links: Links;
  readonly effects: readonly Effect[];
  /** Nobody is left to take it: the ring is this member alone. */
  readonly isAlone: boolean;
}

/** A token as its sender has it: the number comes with each sending. */
export type Unsent = Omit<Token, "seq">;

/** Sends `unsent` to the next member after `self` that is not known to be silent. */
export function pass(
  { self, answerMs }: MachineSettings,
  members: Members,
  links: Links,
  unsent: Unsent,
  nowMs: Ms,
): Passed {
  const isHeard = (id: string): boolean => (links.silent.get(id) ?? -Infinity) <= nowMs;
  const to = members.after(self).find(isHeard);
  if (to === undefined) return { links, effects: [], isAlone: true };
  const token: Token = { ...unsent, seq: links.nextSeq };
  const pending = [...links.pending, { to, token, dueMs: nowMs + answerMs }].slice(-MAX_PENDING);
  const effects: readonly Effect[] = [{ kind: "send", to, ballot: token }];
  return { links: { ...links, pending, nextSeq: links.nextSeq + 1 }, effects, isAlone: false };
}

/** `from` has acknowledged its token `seq`. */
export function acknowledged(links: Links, from: string, seq: number): Links {
  const pending = links.pending.filter((one) => one.to !== from || one.token.seq !== seq);
  return pending.length === links.pending.length ? links : { ...links, pending };
}

/** `from` has been heard: it is passed over no more. */
export function heardFrom(links: Links, from: string): Links {
  if (!links.silent.has(from)) return links;
  const silent = new Map(links.silent);
  silent.delete(from);
  return { ...links, silent };
}

/** Takes out what was not acknowledged in time; who should have done it is passed over. */
export function overdue(
  { suspectAfterMs }: MachineSettings,
  links: Links,
  nowMs: Ms,
): { readonly links: Links; readonly tokens: readonly Token[] } {
  const late = links.pending.filter(({ dueMs }) => dueMs <= nowMs);
  if (late.length === 0) return { links, tokens: [] };
  const silent = new Map([...links.silent].filter(([, untilMs]) => untilMs > nowMs));
  for (const { to } of late) silent.set(to, nowMs + SILENT_SUSPICIONS * suspectAfterMs);
  const pending = links.pending.filter(({ dueMs }) => dueMs > nowMs);
  return { links: { ...links, pending, silent }, tokens: late.map(({ token }) => token) };
}

/** When the first acknowledgement is overdue; Infinity: none is awaited. */
export function linksDueMs({ pending }: Links): Ms {
  return pending.reduce((soonest, { dueMs }) => Math.min(soonest, dueMs), Infinity);
}
