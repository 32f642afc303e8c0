/**
 * What a time server answers, on the wire: three numbers as JSON.
 *
 * The answer is foreign input to whoever asked: bounded, and only finite numbers pass. A server
 * that does not know the time itself says so (`errorBoundMs` is null), rather than be silent.
 */
import { type Json, type Ms, parseJson } from "@quorate/core";
import type { BoundedTime } from "./reading.ts";

/** A server's stamps of one question. */
interface TimeAnswer {
  /** Its clock when the question arrived. */
  readonly receivedMs: Ms;
  /** Its clock when the answer left. */
  readonly sentMs: Ms;
  /** How wrong its clock may be; `null`: it does not know. */
  readonly errorBoundMs: Ms | null;
}

const MAX_ANSWER_BYTES = 512;
const encoder = new TextEncoder();

/** The question: that it is asked is all. */
export const TIME_QUESTION: Uint8Array = encoder.encode("{}");

/** The bytes of an answer whose question arrived at `receivedMs` and which leaves at `sent`. */
export function encodeTimeAnswer(receivedMs: Ms, sent: BoundedTime): Uint8Array {
  const errorBoundMs = Number.isFinite(sent.errorBoundMs) ? sent.errorBoundMs : null;
  const answer: TimeAnswer = { receivedMs, sentMs: sent.nowMs, errorBoundMs };
  return encoder.encode(JSON.stringify(answer));
}

/** Reverses `encodeTimeAnswer` of anybody; `undefined` for what it never makes. */
export function decodeTimeAnswer(data: Uint8Array): TimeAnswer | undefined {
  const parsed = parseJson(data, { maxBytes: MAX_ANSWER_BYTES, maxDepth: 1, maxNodes: 8 });
  if (!parsed.ok || !isObject(parsed.value)) return undefined;
  const { receivedMs, sentMs, errorBoundMs } = parsed.value;
  if (!isFinite(receivedMs) || !isFinite(sentMs)) return undefined;
  if (errorBoundMs === null) return { receivedMs, sentMs, errorBoundMs };
  if (!isFinite(errorBoundMs) || errorBoundMs < 0) return undefined;
  return { receivedMs, sentMs, errorBoundMs };
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFinite(value: unknown): value is number {
  return Number.isFinite(value);
}
