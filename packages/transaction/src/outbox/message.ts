/**
 * A message of an outbox: what it is made of, and the checks before it is stored.
 *
 * The id is given when the message is stored and never changes: every delivery of one message
 * carries it, and an inbox that remembers ids turns "at least once" into effects once. The payload
 * is taken when it is given, as JSON: what its owner changes later does not matter.
 */
import {
  checkName,
  invalidArgument,
  type Json,
  type Ms,
  parseJson,
  QuorateError,
} from "@quorate/core";

/** A message as its consumer sees it. */
export interface OutboxMessage {
  /** The same for all deliveries of this message, and nobody else's. */
  readonly id: string;
  /** Where it goes: a subject of the bus, or whatever a custom `publish` makes of it. */
  readonly topic: string;
  /** Messages of one key are delivered in order. */
  readonly key: string;
  readonly payload: Json;
  /** When it was stored, on the wall clock of whoever stored it. For people, not for order. */
  readonly atMs: Ms;
}

/** A message as it is stored. */
export interface StoredMessage extends OutboxMessage {
  /** Deliveries that reached the consumer and failed. */
  readonly attempts: number;
}

/** A message that was given up: kept until somebody redrives or drops it. */
export interface DeadLetter extends StoredMessage {
  /** What the last delivery failed with, without secrets. */
  readonly problem: string;
  /** When it was given up, on the relay's wall clock. */
  readonly deadAtMs: Ms;
}

/** What may be said of a message beside its topic and payload. */
export interface MessageOptions {
  /** Messages of one key are delivered in order. A name, as of the bus. */
  readonly key?: string;
  /** Its id, where the sender has one that is unique. @default a fresh UUID version 7 */
  readonly id?: string;
}

/** Longest payload of a message that names no bound, in bytes of JSON. */
export const DEFAULT_MAX_MESSAGE_BYTES = 65_536;

/** Bounds of a payload's shape; the size has an option of its own. */
export const PAYLOAD_SHAPE = { maxDepth: 24, maxNodes: 10_000 } as const;

/** The payload as JSON text, checked to be readable again. @throws INVALID_ARGUMENT, TOO_LARGE */
export function payloadText(payload: Json, maxBytes: number): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(payload) as string | undefined;
  } catch {
    text = undefined; // A ring, a BigInt, a toJSON that throws.
  }
  if (text === undefined) throw invalidArgument("payload", payload, "a JSON value");
  const size = Buffer.byteLength(text);
  if (size > maxBytes) throw tooLarge("payload", size, maxBytes);
  const parsed = parseJson(text, { ...PAYLOAD_SHAPE, maxBytes });
  if (!parsed.ok) throw invalidArgument("payload", payload, `plainer JSON: ${parsed.reason}`);
  return text;
}

/** Topic, key and id, checked. Each is a name: no control characters, at most 512 bytes. */
export function checkAddress(address: {
  readonly topic: string;
  readonly key: string;
  readonly id: string;
}): void {
  checkName("topic", address.topic);
  checkName("key", address.key);
  checkName("id", address.id);
}

/** The error of something over its bound. */
export function tooLarge(option: string, size: number, limit: number): QuorateError<"TOO_LARGE"> {
  const message = `${option} has size ${size}, at most ${limit} is allowed`;
  return new QuorateError("TOO_LARGE", message, {
    effect: "none",
    details: { option, size, limit },
  });
}

/** Spreads keys over partitions: FNV-1a, the same in every process and release. */
export function slotOf(key: string, slots: number): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(key)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  // The low bits of FNV alone are uneven for keys that differ in one place.
  return ((hash ^ (hash >>> 16)) >>> 0) % slots;
}
