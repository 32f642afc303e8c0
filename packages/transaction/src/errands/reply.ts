/**
 * The answer to an errand: it was done, or why not.
 *
 * An error crosses the bus as its code, its effect and its text. The two that say something about
 * the saga arrive as themselves; any other is REMOTE_FAILED, with its code as a detail: what the
 * other process met, this one has not met.
 */
import { type Effect, isQuorateError, type Json, parseJson, QuorateError } from "@quorate/core";
import type { SagaRecord } from "../saga/record.ts";
import type { Errand } from "./errand.ts";

const BOUNDS = { maxBytes: 16_384, maxDepth: 4, maxNodes: 32 };
const MAX_TEXT = 1_024;
const SERVICE = "sagas";

/** What an answer says. */
export type Reply =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly code: string;
      readonly effect: Effect;
      readonly text: string;
      /** Of WRONG_STATE: what the saga is. */
      readonly state: string;
    };

/** As bytes. */
export function encodeReply(reply: Reply): Uint8Array {
  return Buffer.from(JSON.stringify(reply));
}

/** The answer that tells `error`. */
export function failure(error: unknown): Reply {
  if (!isQuorateError(error)) {
    // What a codec or a store's client throws may quote what it was given.
    return {
      ok: false,
      code: "internal",
      effect: "unknown",
      text: "an unexpected error",
      state: "",
    };
  }
  const { code, effect, message } = error;
  const text = message.replace(`${code}: `, "").slice(0, MAX_TEXT);
  const state = isQuorateError(error, "WRONG_STATE") ? error.details.state : "";
  return { ok: false, code, effect, text, state };
}

/** The answer that tells of an errand which nobody can read. */
export function unreadable(reason: string): Reply {
  return {
    ok: false,
    code: "INVALID_ARGUMENT",
    effect: "none",
    text: `errand: ${reason}`,
    state: "",
  };
}

/** Reads an answer. One that cannot be read says that it did not work, and no more. */
export function decodeReply(data: Uint8Array): Reply {
  const parsed = parseJson(data, BOUNDS);
  const { value } = parsed.ok ? parsed : { value: null };
  const fields = (typeof value === "object" && value !== null ? value : {}) as {
    readonly [name: string]: Json;
  };
  if (fields["ok"] === true) return { ok: true };
  const { code, effect, text, state } = fields;
  return {
    ok: false,
    code: textOf(code) || "internal",
    effect: effect === "none" || effect === "applied" ? effect : "unknown",
    text: textOf(text) || "an answer that is not ours",
    state: textOf(state),
  };
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value.slice(0, MAX_TEXT) : "";
}

/** The error that an answer stands for. */
export function errorOf(
  reply: Extract<Reply, { ok: false }>,
  { id, deed }: Errand,
  { saga, version }: Pick<SagaRecord, "saga" | "version">,
): QuorateError {
  const { code, effect, text, state } = reply;
  const { verb } = deed;
  if (code === "WRONG_STATE") {
    return new QuorateError(code, text, { effect: "none", details: { id, verb, state } });
  }
  if (code === "DEFINITION_CHANGED") {
    return new QuorateError(code, text, { effect: "none", details: { saga, id, version } });
  }
  return new QuorateError("REMOTE_FAILED", `${verb}: ${code}: ${text}`, {
    effect,
    details: { service: SERVICE, method: verb, error: code },
  });
}
