/**
 * Answers: what the work of an operation came to, as it is stored and given to every repeat.
 *
 * Everybody, the first caller included, gets what came back from text, so that a retry is never
 * given another kind of thing than the first call was. What JSON would silently change (a Date, a
 * Map, NaN) is therefore refused.
 */
import {
  invalidArgument,
  isQuorateError,
  type Json,
  QuorateError,
  refuse,
  show,
} from "@quorate/core";

/** The end of an operation's work. */
export type Answer =
  | { readonly kind: "value"; readonly value: Json | undefined }
  | { readonly kind: "refused"; readonly reason: string; readonly data: Json | undefined }
  /** It ran, and what it returned could not be stored. */
  | { readonly kind: "unencodable"; readonly reason: string };

/** Of an operation that had nothing to do. */
export const NOTHING: Answer = { kind: "value", value: undefined };

const MAX_DEPTH = 24;

/**
 * `value` as JSON that reads back as it is, in at most `maxBytes` as text.
 *
 * @throws INVALID_ARGUMENT naming the place of what is not JSON: `result.lines[3]`.
 */
export function jsonOf(name: string, value: unknown, maxBytes: number): Json | undefined {
  if (value === undefined) return undefined;
  const json = plain(name, value, 0);
  const size = Buffer.byteLength(JSON.stringify(json));
  if (size <= maxBytes) return json;
  throw invalidArgument(name, `${size} bytes`, `at most ${maxBytes} bytes of JSON`);
}

function plain(name: string, value: unknown, depth: number): Json {
  if (depth > MAX_DEPTH) throw invalidArgument(name, value, `nested at most ${MAX_DEPTH} deep`);
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string" && value.isWellFormed()) return value;
  if (typeof value === "number" && Number.isFinite(value)) return value === 0 ? 0 : value;
  if (Array.isArray(value)) {
    return Array.from(value, (item, index) => plain(`${name}[${index}]`, item, depth + 1));
  }
  if (typeof value === "object" && isPlain(value)) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return Object.fromEntries(
      members.map(([key, member]) => [key, plain(`${name}.${key}`, member, depth + 1)]),
    );
  }
  throw invalidArgument(name, value, "JSON: null, a boolean, a finite number, a string, an array");
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** The answer of work that returned. Never throws. */
export function answerOfValue(value: unknown, maxBytes: number): Answer {
  try {
    return { kind: "value", value: jsonOf("result", value, maxBytes) };
  } catch (error) {
    return { kind: "unencodable", reason: messageOf(error) };
  }
}

/** The answer of work that threw, if that was a definite no. */
export function refusalOf(error: unknown, maxBytes: number): Answer | undefined {
  if (!isQuorateError(error, "REFUSED")) return undefined;
  const { reason, data } = error.details;
  const kept = answerOfValue(data, maxBytes);
  return {
    kind: "refused",
    reason: reason.slice(0, 256).toWellFormed(),
    data: kept.kind === "value" ? kept.value : undefined,
  };
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : show(error)).slice(0, 256).toWellFormed();
}

/** What the caller is given. @throws REFUSED, RESULT_UNENCODABLE as the answer says. */
export function valueOf(answer: Answer | undefined, key: string): unknown {
  if (answer === undefined || answer.kind === "value") return copyJson(answer?.value);
  if (answer.kind === "refused") throw refuse(answer.reason, copyJson(answer.data));
  const { reason } = answer;
  const message =
    `the work of ${show(key)} ran, and its result cannot be stored: ${reason}. Return plain ` +
    "JSON, or a reference to where the large result is";
  throw new QuorateError("RESULT_UNENCODABLE", message, {
    effect: "applied",
    details: { key, reason },
  });
}

/** Everybody's own, with ordinary prototypes. */
export function copyJson(value: Json | undefined): Json | undefined {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as Json);
}

/** As a record has it. */
export function encodeAnswer(answer: Answer): Json {
  if (answer.kind === "value") return answer.value === undefined ? {} : { value: answer.value };
  if (answer.kind === "unencodable") return { unencodable: answer.reason };
  const { reason, data } = answer;
  return data === undefined ? { refused: reason } : { refused: reason, data };
}

/** Reads what `encodeAnswer` made; `undefined` for anything else. */
export function decodeAnswer(json: Json | undefined): Answer | undefined {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  const { value, refused, data, unencodable } = json as { readonly [key: string]: Json };
  if (typeof unencodable === "string") return { kind: "unencodable", reason: unencodable };
  if (typeof refused === "string") return { kind: "refused", reason: refused, data };
  return refused === undefined && unencodable === undefined ? { kind: "value", value } : undefined;
}
