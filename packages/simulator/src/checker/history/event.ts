/**
 * History format, version 1: what clients saw, one event a line.
 *
 * `{"t":12.5,"p":"client-1","op":7,"type":"invoke","f":"write","k":"x","v":3}`
 *
 * Recorded from outside, at the client's own call and return: what happens inside a store or a
 * library is what is to be judged. Three ends of an operation, never two: `ok` (it happened, `v`
 * is its result), `fail` (surely nothing happened, and never will), `info` (we do not know; a
 * timeout is this). A process that got an `info` may still have that call under way somewhere, so
 * it is over: whoever goes on does so under a new name.
 *
 * The shape is Jepsen's, with an operation number so that a line says what it completes.
 */
import { invalidArgument, type Json } from "@quorate/core";

/** What an event says: begun, happened, surely not happened, or unknown. */
export type EventType = "invoke" | "ok" | "fail" | "info";

/** One line of a history. */
export interface HistoryEvent {
  /** Milliseconds on one monotonic clock, the same for all processes. Never falls. */
  readonly t: number;
  /** Process: somebody who does one operation at a time. In files also a whole number. */
  readonly p: string;
  /** Number of the operation: its `invoke` and its end have the same. */
  readonly op: number;
  readonly type: EventType;
  /** Function: what was asked, in the words of the model. */
  readonly f: string;
  /** The object asked, when there are several. @default "" */
  readonly k?: string;
  /** Of `invoke` the argument, of `ok` the result. @default null */
  readonly v?: Json;
}

/** Longest process, function and key, in UTF-16 units. */
export const MAX_NAME_LENGTH = 1_024;

const TYPES: readonly string[] = ["invoke", "ok", "fail", "info"] satisfies EventType[];

/**
 * The event in `value`, which somebody else wrote. Fields that we do not know are left out.
 *
 * @throws INVALID_ARGUMENT naming `place` and the field.
 */
export function checkEvent(place: string, value: unknown): HistoryEvent {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidArgument(place, value, "an object with t, p, op, type and f");
  }
  const { t, p, op, type, f, k, v } = value as Record<string, unknown>;
  if (typeof t !== "number" || !Number.isFinite(t)) {
    throw invalidArgument(`${place}: t`, t, "a finite number of milliseconds");
  }
  const counts = typeof p === "number" && Number.isSafeInteger(p) && p >= 0;
  if (!Number.isSafeInteger(op) || (op as number) < 0) {
    throw invalidArgument(`${place}: op`, op, "a whole number >= 0");
  }
  if (typeof type !== "string" || !TYPES.includes(type)) {
    throw invalidArgument(`${place}: type`, type, `one of ${TYPES.join(", ")}`);
  }
  return {
    t,
    p: counts ? String(p) : name(`${place}: p`, p),
    op: op as number,
    type: type as EventType,
    f: name(`${place}: f`, f),
    ...(k === undefined ? {} : { k: k === "" ? "" : name(`${place}: k`, k) }),
    ...(v === undefined ? {} : { v: v as Json }),
  };
}

function name(place: string, value: unknown): string {
  const fits = typeof value === "string" && value !== "" && value.length <= MAX_NAME_LENGTH;
  if (fits) return value;
  throw invalidArgument(place, value, `a string of 1 to ${MAX_NAME_LENGTH} characters`);
}
