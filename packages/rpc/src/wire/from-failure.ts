/**
 * A failure that a server told, as the error that its caller gets.
 *
 * Built anew from facts that were checked: codes from a closed list, words and numbers with
 * bounds, data by the contract's schema. No text of the other process is ever shown as ours.
 */
import { type ErrorCode, type Json, QuorateError, show } from "@quorate/core";
import type { Effect, ErrorDetails, Ms } from "@quorate/core";
import type { Method } from "../contract.ts";
import type { WireFailure } from "./answer.ts";

/** What the caller knows of the call. */
export interface CallFacts {
  readonly service: string;
  readonly method: Method;
  readonly key: string | undefined;
  readonly timeoutMs: Ms;
  /** False: the layers below have made the call as often as they may. */
  readonly mayRepeat: boolean;
}

const WORDS: Readonly<Record<string, string>> = {
  method: "the server does not know this method",
  kind: "the server has a stream where this contract has none, or the other way round",
  input: "the server does not take the input that this contract allows",
  key: "the server wants an idempotency key",
  output: "the handler's output is not what the contract says",
  error: "the data of the handler's error is not what the contract says",
  request: "the server did not understand the request",
};
const UNKNOWN_WORD = "internal";
const NAME = /^[A-Za-z][0-9A-Za-z_]{0,63}$/;

/** What an error is made of. */
interface Made<C extends ErrorCode> {
  readonly message: string;
  readonly effect: Effect;
  readonly details: ErrorDetails[C];
}

/** Codes that a server may tell, each with its error. */
type Told = {
  readonly [C in ErrorCode]?: (failure: WireFailure, facts: CallFacts) => Made<C>;
};

const TOLD: Told = {
  OVERLOADED: ({ retryAfterMs, word }) => ({
    message: `the server sheds load (${show(word ?? "full")}); it did not run`,
    effect: "none",
    details: { reason: word ?? "full", ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
  }),
  RATE_LIMITED: ({ retryAfterMs = 0 }, { service }) => ({
    message: "the server's rate limit has no permit; it did not run",
    effect: "none",
    details: { limiter: service, retryAfterMs },
  }),
  IDEMPOTENCY_MISMATCH: (_, { key = "" }) => ({
    message: `the key ${show(key)} was used with another input`,
    effect: "none",
    details: { key },
  }),
  IDEMPOTENCY_IN_FLIGHT: ({ retryAfterMs = 0 }, { key = "" }) => ({
    message: `a call with the key ${show(key)} is running`,
    effect: "none",
    details: { key, retryAfterMs },
  }),
  IDEMPOTENCY_SUPERSEDED: ({ numbers }, { key = "" }) => ({
    message: `another server took the call over; ask again with the key ${show(key)}`,
    effect: "unknown",
    details: { key, fencingToken: numbers?.[0] ?? 0 },
  }),
  RESULT_UNENCODABLE: (_, { key = "" }) => ({
    message: "it ran, and its result could not be stored",
    effect: "applied",
    details: { key, reason: "the server could not store it" },
  }),
  TIMEOUT: ({ effect }, facts) => ({
    message:
      effect === "none"
        ? "it came to the server too late and was dropped before it ran"
        : "its time ended while it ran; it may have happened",
    effect,
    details: { operation: operationOf(facts), timeoutMs: facts.timeoutMs },
  }),
  TOO_LARGE: ({ numbers: [size = 0, limit = 0] = [] }) => ({
    message: `it ran, and its output has ${size} bytes, at most ${limit} travel`,
    effect: "applied",
    details: { option: "output", size, limit },
  }),
  CONTRACT_MISMATCH: ({ effect, word = "" }, facts) => mismatch(effect, word, facts),
  ABORTED: ({ effect }, facts) => ({
    message:
      effect === "none"
        ? "the server takes its caller for dead; it did not run"
        : "the server stopped while it ran; it may have happened",
    effect,
    details: { operation: operationOf(facts) },
  }),
};

/** The error for what a server told. */
export async function errorOf(failure: WireFailure, facts: CallFacts): Promise<QuorateError> {
  const { code, effect, word = "" } = failure;
  if (code === "REFUSED" || code === "REMOTE_FAILED") {
    const data = await dataOf(failure, facts.method);
    if (!data.ok) return build("CONTRACT_MISMATCH", mismatch(effect, "error", facts), facts);
    if (code === "REFUSED") {
      const details = { reason: word, ...data.part };
      return build(code, { message: `refused: ${show(word)}`, effect: "none", details }, facts);
    }
    return remoteFailed(failure, facts, data.part);
  }
  if (!Object.hasOwn(TOLD, code)) return remoteFailed({ ...failure, word: "" }, facts, {});
  const known = code as ErrorCode;
  const made = TOLD[known]?.(failure, facts) as Made<ErrorCode>;
  return build(known, made, facts);
}

function remoteFailed(
  { effect, isRetryable, word = "" }: WireFailure,
  facts: CallFacts,
  data: { readonly data?: Json },
): QuorateError {
  const error = NAME.test(word) ? word : UNKNOWN_WORD;
  const { method, service } = facts;
  const details = { service, method: method.name, error, ...data };
  const message = `the handler failed (${error}); effect ${effect}`;
  return build("REMOTE_FAILED", { message, effect, details }, facts, isRetryable);
}

function build<C extends ErrorCode>(
  code: C,
  { details, effect, message }: Made<C>,
  facts: CallFacts,
  isRetryable?: boolean,
): QuorateError {
  const retryable = facts.mayRepeat ? isRetryable : false;
  const again = retryable === undefined ? {} : { retryable };
  return new QuorateError(code, `${operationOf(facts)}: ${message}`, {
    effect,
    details,
    ...again,
  });
}

function mismatch(effect: Effect, word: string, facts: CallFacts): Made<"CONTRACT_MISMATCH"> {
  const { method, service } = facts;
  const message = wordOf(word);
  return { message, effect, details: { service, method: method.name, reason: message } };
}

function operationOf({ method, service }: CallFacts): string {
  return `${service}.${method.name}`;
}

function wordOf(word: string): string {
  return Object.hasOwn(WORDS, word) ? (WORDS[word] ?? "") : "the server has another contract";
}

type Data = { readonly ok: true; readonly part: { readonly data?: Json } } | { readonly ok: false };

/** Data of an error that the contract knows, as its schema makes it; else what came. */
async function dataOf({ word = "", data }: WireFailure, method: Method): Promise<Data> {
  const spec = method.errors.get(word);
  const parsed = spec === undefined ? { ok: true as const, value: data } : await spec.data(data);
  if (!parsed.ok) return { ok: false };
  const value = parsed.value as Json | undefined;
  return { ok: true, part: value === undefined ? {} : { data: value } };
}
