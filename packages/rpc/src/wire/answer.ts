/**
 * An answer on the wire: an output, a failure, or that a stream begins.
 */
import type { Effect, Json, Ms } from "@quorate/core";
import { type Fields, isCount, isDuration, isText, WIRE_VERSION, writeFields } from "./text.ts";

/** Facts of a failure that may travel; texts for people never do. */
export interface WireFailure {
  readonly code: string;
  readonly effect: Effect;
  /** What the code needs besides: a reason, an error's name, a word. */
  readonly word?: string | undefined;
  /** What the contract, or a refusal, lets callers see. */
  readonly data?: Json | undefined;
  readonly retryAfterMs?: Ms | undefined;
  /** Of an error that the contract does not know: the same call may succeed later. */
  readonly isRetryable?: boolean | undefined;
  /** Sizes and tokens. */
  readonly numbers?: readonly number[] | undefined;
}

/** What a server said. */
export type WireAnswer =
  | { readonly kind: "output"; readonly output: unknown }
  | {
      readonly kind: "failed";
      readonly failure: WireFailure;
      /** How often the call may still be made again, by all layers. */
      readonly triesLeft: number | undefined;
    }
  /** A stream begins: frames come to the client's inbox, credit goes to `instance`. */
  | { readonly kind: "accepted"; readonly instance: string };

const MAX_CODE = 64;
const MAX_WORD = 256;
const MAX_INSTANCE = 128;
const MAX_NUMBERS = 4;
const EFFECTS: ReadonlySet<unknown> = new Set<Effect>(["none", "unknown", "applied"]);

/** The answer as bytes. Throws where an output is no JSON. */
export function encodeAnswer(answer: WireAnswer): Uint8Array {
  switch (answer.kind) {
    case "output":
      return outputBytes(answer.output);
    case "accepted":
      return writeFields({ v: WIRE_VERSION, a: { s: answer.instance } });
    case "failed": {
      const f = writeFailure(answer.failure);
      return writeFields({ v: WIRE_VERSION, f, t: answer.triesLeft });
    }
  }
}

/** A failure as it stands on the wire. */
export function writeFailure(failure: WireFailure): object {
  const { code, effect, word, data, retryAfterMs, isRetryable, numbers } = failure;
  const y = isRetryable === true ? 1 : undefined;
  return { c: code, e: effect, w: word, d: data, a: retryAfterMs, y, n: numbers };
}

/** As text: see `encodeRequest`. */
function outputBytes(output: unknown): Uint8Array {
  const text = JSON.stringify(output) as string | undefined;
  return Buffer.from(`{"v":${WIRE_VERSION}${text === undefined ? "" : `,"o":${text}`}}`, "utf8");
}

/** Reads an answer; `undefined` for what is none. */
export function readAnswer(fields: Fields): WireAnswer | undefined {
  const { f, a, t } = fields;
  if (f === undefined && a === undefined) return { kind: "output", output: fields["o"] };
  if (f !== undefined) {
    const failure = readFailure(f);
    const triesLeft = isCount(t) ? t : undefined;
    return failure === undefined ? undefined : { kind: "failed", failure, triesLeft };
  }
  const { s: instance } = fieldsOf(a);
  return isText(instance, MAX_INSTANCE) ? { kind: "accepted", instance } : undefined;
}

/** Reads a failure; `undefined` for what is none. */
export function readFailure(value: Json): WireFailure | undefined {
  const { c: code, e: effect, w: word, d: data, a: retryAfterMs, y, n: numbers } = fieldsOf(value);
  if (!isText(code, MAX_CODE) || !EFFECTS.has(effect)) return undefined;
  return {
    code,
    effect: effect as Effect,
    word: isText(word, MAX_WORD) ? word : undefined,
    data,
    retryAfterMs: isDuration(retryAfterMs) ? retryAfterMs : undefined,
    isRetryable: y === 1,
    numbers: numbersOf(numbers),
  };
}

function numbersOf(value: Json | undefined): readonly number[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_NUMBERS) return undefined;
  return value.every(isCount) ? value : undefined;
}

function fieldsOf(value: Json | undefined): Fields {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as Fields) : {};
}
