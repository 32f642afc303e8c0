/**
 * A message on the bus: the payload as JSON, and what is known of it in headers.
 *
 * The answer is empty; what was made of the message is in its headers. Foreign on both sides:
 * whoever may publish on the subject may write anything.
 */
import {
  type FencingToken,
  type Json,
  type Message,
  type MessageHeaders,
  MAX_HEADER_VALUE_BYTES,
  parseJson,
} from "@quorate/core";

import { type OutboxMessage, PAYLOAD_SHAPE } from "./message.ts";

/** Header with the message's id: the same for all its deliveries. */
export const MESSAGE_ID_HEADER = "quorate-message-id";

const KEY = "quorate-message-key";
const TIME = "quorate-message-time";
const TOKEN = "quorate-fencing-token";
const OUTCOME = "quorate-outcome";
const REASON = "quorate-reason";

/** A message that arrived over the bus. */
export interface ReceivedMessage extends OutboxMessage {
  /** Of the relay that sent it: a later relay's is greater. */
  readonly fencingToken: FencingToken;
}

/** What the consumer made of it. `busy`: nothing, for now. */
export type Answer =
  | { readonly outcome: "taken" }
  | { readonly outcome: "refused" | "failed" | "busy"; readonly reason: string };

/** The headers of `message`. */
export function headersOf(message: OutboxMessage, fencingToken: FencingToken): MessageHeaders {
  return {
    [MESSAGE_ID_HEADER]: message.id,
    [KEY]: message.key,
    [TIME]: String(message.atMs),
    [TOKEN]: String(fencingToken),
  };
}

/** The message behind what arrived, or why it is none of an outbox. */
export function readMessage(
  arrived: Message,
  maxBytes: number,
):
  | { readonly ok: true; readonly message: ReceivedMessage }
  | { readonly ok: false; readonly reason: string } {
  const { headers, subject: topic, data } = arrived;
  const id = headers[MESSAGE_ID_HEADER];
  const key = headers[KEY];
  if (!id || !key) return { ok: false, reason: `no ${MESSAGE_ID_HEADER} or ${KEY}` };
  const atMs = numberOf(headers[TIME]);
  const fencingToken = numberOf(headers[TOKEN]);
  if (atMs === undefined || fencingToken === undefined) {
    return { ok: false, reason: `${TIME} or ${TOKEN} is not a number` };
  }
  const parsed = parseJson(data, { ...PAYLOAD_SHAPE, maxBytes });
  if (!parsed.ok) return { ok: false, reason: `the payload is ${parsed.reason}` };
  const payload: Json = parsed.value;
  return { ok: true, message: { id, topic, key, payload, atMs, fencingToken } };
}

/** The headers of an answer. */
export function answerHeaders(answer: Answer): MessageHeaders {
  if (answer.outcome === "taken") return { [OUTCOME]: answer.outcome };
  const reason = shortened(answer.reason);
  return { [OUTCOME]: answer.outcome, ...(reason === "" ? {} : { [REASON]: reason }) };
}

/** The answer behind the headers of a reply; `undefined`: no answer of `receive`. */
export function readAnswer(headers: MessageHeaders): Answer | undefined {
  const outcome = headers[OUTCOME];
  if (outcome === "taken") return { outcome };
  if (outcome !== "refused" && outcome !== "failed" && outcome !== "busy") return undefined;
  return { outcome, reason: headers[REASON] ?? "no reason given" };
}

/** As a header may have it: on one line, well-formed, and short. */
function shortened(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it takes out
  const line = text.toWellFormed().replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, " ");
  return line.slice(0, Math.floor(MAX_HEADER_VALUE_BYTES / 8)).toWellFormed();
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
