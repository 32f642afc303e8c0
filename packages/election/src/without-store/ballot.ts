/**
 * Ballots: the messages of elections without a store, and the only reader of foreign ones.
 *
 * One JSON object of at most 1 KiB: a version, who sends it in which life, and the few facts of
 * its kind. A life is one run of a process: two processes with one id have different lives.
 *
 * Guarantees: what `readBallot` returns has the types it says, bounded numbers and ids that could
 * be a member's; anything else is a reason, never an exception. Does not guarantee: that the
 * sender is who it says. Whoever may publish on the bus may lie; a lie moves a hint, no epoch.
 */
import { type Json, MAX_SEGMENT_BYTES, parseJson } from "@quorate/core";

/** What a ballot says. The first four are Bully's, then Ring's; `here` is for finding namesakes. */
export type Ballot =
  | { readonly kind: "election" }
  | { readonly kind: "ok" }
  | { readonly kind: "coordinator"; readonly epoch: number | undefined }
  | { readonly kind: "resign" }
  | Token
  | { readonly kind: "ack"; readonly seq: number }
  | { readonly kind: "here" };

/** What travels round the ring: a candidacy, or the news of who was elected. */
export interface Token {
  readonly kind: "candidacy" | "elected";
  /** Whom it is about. */
  readonly member: string;
  /** Ways it has gone, the present one included: what nobody stops must stop by itself. */
  readonly hops: number;
  /** The sender's number of this sending, for the acknowledgement. */
  readonly seq: number;
  /** Of an elected one that has claimed it. */
  readonly epoch: number | undefined;
}

/** A ballot that arrived. */
export interface Envelope {
  readonly from: string;
  readonly life: string;
  readonly ballot: Ballot;
}

/** What reading came to. */
export type BallotResult =
  | { readonly ok: true; readonly envelope: Envelope }
  | { readonly ok: false; readonly reason: string };

const VERSION = 1;
const BOUNDS = { maxBytes: 1_024, maxDepth: 1, maxNodes: 16 };
const LIFE = /^[0-9a-z-]{1,64}$/;

/** Bytes for the bus. */
export function writeBallot({ from, life, ballot }: Envelope): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ v: VERSION, from, life, ...ballot }));
}

/** Reads what somebody sent. Never throws. */
export function readBallot(data: Uint8Array): BallotResult {
  const parsed = parseJson(data, BOUNDS);
  if (!parsed.ok) return parsed;
  const { value } = parsed;
  if (!isRecord(value)) return { ok: false, reason: "not an object" };
  if (value["v"] !== VERSION) return { ok: false, reason: "another version" };
  const { from, life } = value;
  if (!isId(from) || typeof life !== "string" || !LIFE.test(life)) {
    return { ok: false, reason: "no sender" };
  }
  const ballot = ballotOf(value);
  if (ballot === undefined) return { ok: false, reason: "not a ballot" };
  return { ok: true, envelope: { from, life, ballot } };
}

function ballotOf(value: { readonly [key: string]: Json }): Ballot | undefined {
  const { kind, epoch, seq, member, hops } = value;
  if (epoch !== undefined && !isCount(epoch)) return undefined;
  if (kind === "election" || kind === "ok" || kind === "resign" || kind === "here") {
    return { kind };
  }
  if (kind === "coordinator") return { kind, epoch };
  if (kind === "ack") return isCount(seq) ? { kind, seq } : undefined;
  if (kind !== "candidacy" && kind !== "elected") return undefined;
  if (!isId(member) || !isCount(hops) || !isCount(seq)) return undefined;
  return { kind, member, hops, seq, epoch };
}

function isRecord(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isId(value: Json | undefined): value is string {
  return typeof value === "string" && value !== "" && Buffer.byteLength(value) <= MAX_SEGMENT_BYTES;
}

function isCount(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
