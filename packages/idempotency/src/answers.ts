/**
 * Answers: what is stored of how a run ended, and what a caller is given of it.
 *
 * Everybody is given what `decode` makes of the stored text, the first caller included: so the
 * first answer and each replay are equal, and nobody shares an object with anybody.
 */
import { type Effect, effectOf, type Json, type QuorateError, refuse, scrub } from "@quorate/core";
import type { Answer, Answered } from "./begun.ts";
import type { Codec } from "./codec.ts";
import { recordInvalid, unencodableError } from "./errors.ts";
import type { StoredAnswer } from "./record.ts";

const MAX_REASON = 300;

/** What the stored answer says. @throws RECORD_INVALID, RESULT_UNENCODABLE */
export function readAnswer<T>(
  answer: StoredAnswer,
  codec: Codec,
  key: string,
  replayed: boolean,
): Answered<T> {
  if (answer.state === "unencodable") throw unencodableError(key, unencodableReason(answer, codec));
  const value = decode(answer, codec, key);
  switch (answer.state) {
    case "completed":
      return { kind: "replay", value: value as T, replayed, completedAtMs: answer.atMs };
    case "refused":
      return { kind: "refused", error: refusalOf(value, key), replayed };
    case "failed":
      return { kind: "failed", error: failureOf(value, key), replayed };
  }
}

/** The value to return; throws an answer that is an error. */
export function valueOf<T>(answered: Answered<T>): Answer<T> {
  if (answered.kind === "replay") return answered;
  throw answered.error;
}

/** What is stored of an error that is the answer: nothing that hangs on it. */
export function describeFailure(error: unknown): Json {
  const isError = error instanceof Error;
  const name = isError ? scrub(error.name) : "Error";
  const message = scrub(isError ? error.message : "something that is no error was thrown");
  const code = isError ? (error as { code?: unknown }).code : undefined;
  const effect = effectOf(error);
  return {
    name,
    message,
    ...(typeof code === "string" || typeof code === "number" ? { code: scrub(`${code}`) } : {}),
    ...(effect === undefined ? {} : { effect }),
  };
}

/** Why a result could not be stored, in a few words. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : "the codec threw";
  return scrub(text).slice(0, MAX_REASON);
}

function decode(answer: StoredAnswer, codec: Codec, key: string): unknown {
  try {
    return codec.decode(answer.text);
  } catch (error) {
    throw recordInvalid(key, `the codec cannot read it (${reasonOf(error)})`);
  }
}

function unencodableReason(answer: StoredAnswer, codec: Codec): string {
  try {
    const reason = stringOf(codec.decode(answer.text), "reason");
    if (reason !== undefined) return reason;
  } catch {
    // The codec could not encode the reason either.
  }
  return "the reason could not be stored";
}

function refusalOf(value: unknown, key: string): QuorateError<"REFUSED"> {
  const reason = stringOf(value, "reason");
  if (reason === undefined) throw recordInvalid(key, "its refusal has no reason");
  return refuse(reason, memberOf(value, "data") as Json | undefined);
}

function failureOf(value: unknown, key: string): Error {
  const message = stringOf(value, "message");
  if (message === undefined) throw recordInvalid(key, "its failure has no message");
  const error: Error & { code?: string; effect?: Effect } = new Error(message);
  const name = stringOf(value, "name") ?? "Error";
  Object.defineProperty(error, "name", { value: name, configurable: true, writable: true });
  const code = stringOf(value, "code");
  if (code !== undefined) error.code = code;
  const effect = effectOf(value);
  if (effect !== undefined) error.effect = effect;
  return error;
}

function stringOf(value: unknown, name: string): string | undefined {
  const member = memberOf(value, name);
  return typeof member === "string" ? member : undefined;
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
