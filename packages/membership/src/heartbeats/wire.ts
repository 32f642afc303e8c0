/**
 * The messages of a heartbeat membership, and the only reader of foreign ones.
 *
 * One flat JSON object each, of at most 8 KiB. On the group's subject: heartbeats and goodbyes. On
 * a member's own: questions (`ping`, and `ask`: to ask another), and the word that it is known by a
 * greater incarnation than it claims. Answers to questions: `here` or `silent`.
 *
 * Guarantees: what `readMessage` returns has the types it says, bounded strings, and numbers that
 * are safe integers; anything else is a reason, never an exception. Does not guarantee: that the
 * sender is who it says. Whoever may publish on the bus may lie; see the guide.
 */
import { type Json, MAX_SEGMENT_BYTES, parseJson } from "@quorate/core";

/** Which life of which member. A `life` is one run of a process: namesakes differ by it. */
export interface Identity {
  readonly id: string;
  /** The greater one counts; of two that are equal the one with the greater `life`. */
  readonly incarnation: number;
  readonly life: string;
}

/** A heartbeat. */
export interface BeatMessage extends Identity {
  readonly kind: "beat";
  /** Number of its place in the sender's schedule. */
  readonly seq: number;
  /** How often `data` has changed in this life. */
  readonly revision: number;
  readonly data: string;
}

/** Everything that is sent. */
export type HeartbeatMessage =
  | BeatMessage
  | ({ readonly kind: "bye" } & Identity)
  | { readonly kind: "ping" }
  | { readonly kind: "ask"; readonly target: string }
  | ({ readonly kind: "known" } & Identity)
  | ({ readonly kind: "here" } & Identity)
  | { readonly kind: "silent" };

/** What reading came to. */
export type ReadResult =
  | { readonly ok: true; readonly message: HeartbeatMessage }
  | { readonly ok: false; readonly reason: string };

/** Longest `data`, in bytes of UTF-8. */
export const MAX_MEMBER_DATA_BYTES = 1_024;

const VERSION = 1;
// Six bytes of JSON for one of `data`, at worst, and the rest.
const BOUNDS = { maxBytes: 8_192, maxDepth: 1, maxNodes: 16 };
const LIFE = /^[0-9a-z-]{1,64}$/;
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const NO_ID = /[\u0000-\u001f\u007f-\u009f/]/;

/** Bytes for the bus. */
export function writeMessage(message: HeartbeatMessage): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ v: VERSION, ...message }));
}

/** Reads what somebody sent. Never throws. */
export function readMessage(data: Uint8Array): ReadResult {
  const parsed = parseJson(data, BOUNDS);
  if (!parsed.ok) return parsed;
  const { value } = parsed;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { ok: false, reason: "not an object" };
  }
  const fields = value as { readonly [key: string]: Json };
  if (fields["v"] !== VERSION) return { ok: false, reason: "another version" };
  const message = messageOf(fields);
  return message === undefined ? { ok: false, reason: "not a message" } : { ok: true, message };
}

/** Whether `left` is the later life of a name. */
export function outlives(
  left: Pick<Identity, "incarnation" | "life">,
  right: Pick<Identity, "incarnation" | "life">,
): boolean {
  if (left.incarnation !== right.incarnation) return left.incarnation > right.incarnation;
  return left.life > right.life;
}

function messageOf(fields: { readonly [key: string]: Json }): HeartbeatMessage | undefined {
  const { kind, target } = fields;
  if (typeof kind !== "string") return undefined;
  switch (kind) {
    case "ping":
    case "silent":
      return { kind };
    case "ask":
      return isId(target) ? { kind, target } : undefined;
    case "known":
    case "bye":
    case "here": {
      const identity = identityOf(fields);
      return identity === undefined ? undefined : { kind, ...identity };
    }
    case "beat":
      return beatOf(fields);
    default:
      return undefined;
  }
}

function beatOf(fields: { readonly [key: string]: Json }): BeatMessage | undefined {
  const identity = identityOf(fields);
  const { seq, revision, data } = fields;
  if (identity === undefined || !isCount(seq) || !isCount(revision)) return undefined;
  if (!isMemberData(data)) return undefined;
  return { kind: "beat", ...identity, seq, revision, data };
}

function identityOf({
  id,
  incarnation,
  life,
}: {
  readonly [key: string]: Json;
}): Identity | undefined {
  if (!isId(id) || !isCount(incarnation)) return undefined;
  if (typeof life !== "string" || !LIFE.test(life)) return undefined;
  return { id, incarnation, life };
}

/** One segment of a name: it becomes part of a subject. */
function isId(value: Json | undefined): value is string {
  if (typeof value !== "string" || value === "" || NO_ID.test(value)) return false;
  return value.isWellFormed() && Buffer.byteLength(value) <= MAX_SEGMENT_BYTES;
}

/** What a member may say of itself. */
function isMemberData(value: Json | undefined): value is string {
  if (typeof value !== "string" || !value.isWellFormed()) return false;
  return Buffer.byteLength(value) <= MAX_MEMBER_DATA_BYTES;
}

function isCount(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
