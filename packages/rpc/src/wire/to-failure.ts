/**
 * An error of a handler, as facts that may travel.
 *
 * Of an error of ours that a caller can act on, its code and numbers go; of a contract's error its
 * name and data; of everything else only whether it happened. The message, the stack and the
 * fields of an error that somebody threw never leave the process: they may say anything.
 *
 * Never throws, whatever was thrown.
 */
import { effectOf, isQuorateError, type Json, parseJson, retryAfterMsOf } from "@quorate/core";
import type { Method } from "../contract.ts";
import type { WireFailure } from "./answer.ts";

const MAX_WORD = 256;
/** Most bytes of the data of an error. */
const MAX_DATA_BYTES = 65_536;
const CODE = /^[A-Z][0-9A-Z_]{0,63}$/;

/** Codes that mean to the caller what they mean here. */
const PASSED: ReadonlySet<string> = new Set([
  "OVERLOADED",
  "RATE_LIMITED",
  "IDEMPOTENCY_MISMATCH",
  "IDEMPOTENCY_IN_FLIGHT",
  "IDEMPOTENCY_SUPERSEDED",
  "RESULT_UNENCODABLE",
]);

/** Why a server does not answer with an output, by the server's own word. */
export function failure(
  code: "CONTRACT_MISMATCH" | "TIMEOUT" | "OVERLOADED" | "ABORTED" | "TOO_LARGE",
  effect: WireFailure["effect"],
  more: Pick<WireFailure, "word" | "numbers" | "retryAfterMs"> = {},
): WireFailure {
  return { code, effect, ...more };
}

/** What may be told of `error`, which a handler of `method` threw. */
export async function failureOf(error: unknown, method: Method): Promise<WireFailure> {
  const effect = effectOf(error) ?? "unknown";
  if (!isQuorateError(error)) return { code: "REMOTE_FAILED", effect, word: "internal" };
  const { code } = error;
  if (isQuorateError(error, "REFUSED")) {
    const { reason, data } = error.details;
    return declared({ code, effect: "none", word: wordOf(reason), data }, method, data);
  }
  if (isQuorateError(error, "REMOTE_FAILED") && method.errors.has(error.details.error)) {
    const { error: word, data } = error.details;
    return declared({ code, effect, word, data }, method, data);
  }
  if (PASSED.has(code)) {
    const { reason, fencingToken } = error.details as Readonly<Record<string, unknown>>;
    return {
      code,
      effect,
      word: wordOf(reason),
      retryAfterMs: retryAfterMsOf(error),
      numbers: typeof fencingToken === "number" ? [fencingToken] : undefined,
    };
  }
  const word = CODE.test(code) ? code : "internal";
  return { code: "REMOTE_FAILED", effect, word, isRetryable: error.retryable };
}

/** An error of the contract says what the contract lets it; another refusal, what is JSON. */
async function declared(
  told: WireFailure,
  method: Method,
  data: Json | undefined,
): Promise<WireFailure> {
  const spec = method.errors.get(told.word ?? "");
  const parsed = spec === undefined ? { ok: true as const, value: data } : await spec.data(data);
  if (!parsed.ok) return mismatch(told);
  const text = parsed.value === undefined ? undefined : jsonOf(parsed.value);
  if (text === "") return mismatch(told);
  return { ...told, data: text === undefined ? undefined : (JSON.parse(text) as Json) };
}

function mismatch(told: WireFailure): WireFailure {
  return { code: "CONTRACT_MISMATCH", effect: told.effect, word: "error" };
}

/** The value as text; empty for what is no JSON, or too long. */
function jsonOf(value: unknown): string {
  try {
    const text = JSON.stringify(value);
    const isGood = typeof text === "string" && parseJson(text, { maxBytes: MAX_DATA_BYTES }).ok;
    return isGood ? text : "";
  } catch {
    return "";
  }
}

function wordOf(value: unknown): string | undefined {
  return typeof value === "string" ? value.slice(0, MAX_WORD) : undefined;
}
