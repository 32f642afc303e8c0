/**
 * Frames: what members say to each other so that streams arrive whole and in order.
 *
 * A *data* frame carries one message of one stream, from its origin or passed on by another member.
 * A *digest* tells how far the sender has come in every stream, its own first: a lost last message
 * is found by it. A *request* asks for what is missing, and *gone* answers that it cannot be had
 * here.
 *
 * Each begins with version and kind. What comes in is foreign: bounded before it is taken apart,
 * and `undefined` where it is not exactly what the encoder makes.
 */
import { MAX_NODE_ID_BYTES } from "../../node-id.ts";
import { MAX_MEMBERS, type MemberId, nodeOf } from "../member.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";

const VERSION = 1;
const DATA = 1;
const DIGEST = 2;
const REQUEST = 3;
const GONE = 4;

/** One message of a stream. */
export interface DataFrame {
  readonly kind: "data";
  /** Whose stream it belongs to, whoever passes it on. */
  readonly origin: MemberId;
  /** Its place in the stream, from 1. */
  readonly seq: number;
  /** The oldest that the origin still has; 0 where another member passes the message on. */
  readonly oldest: number;
  /** The message, with what the order adds to it. */
  readonly data: Uint8Array;
}

/** How far somebody has come in one stream. */
export interface Head {
  /** Whose stream. */
  readonly member: MemberId;
  /** The oldest message of it that the teller still has. */
  readonly oldest: number;
  /** The last one up to which the teller has all. */
  readonly through: number;
}

/** How far the sender has come in every stream. */
export interface DigestFrame {
  readonly kind: "digest";
  /** Who tells it. */
  readonly from: MemberId;
  /** One for each stream that has begun there. */
  readonly heads: readonly Head[];
}

/** Asks for `first` to `last` of a stream (`request`), or says that they are not here (`gone`). */
export interface RangeFrame {
  readonly kind: "request" | "gone";
  /** Who asks, or answers. */
  readonly from: MemberId;
  /** Whose stream. */
  readonly origin: MemberId;
  /** From 1. */
  readonly first: number;
  /** Included. */
  readonly last: number;
}

/** Anything that members send. */
export type Frame = DataFrame | DigestFrame | RangeFrame;

/** The frame as bytes. */
export function encodeFrame(frame: Frame): Uint8Array {
  const writer = new ByteWriter().byte(VERSION);
  switch (frame.kind) {
    case "data":
      writer.byte(DATA).string(frame.origin).number(frame.seq).number(frame.oldest);
      return writer.rest(frame.data).finish();
    case "digest":
      writer.byte(DIGEST).string(frame.from);
      writer.list(frame.heads, ({ member, oldest, through }) => {
        writer.string(member).number(oldest).number(through);
      });
      return writer.finish();
    case "request":
    case "gone":
      writer.byte(frame.kind === "request" ? REQUEST : GONE);
      writer.string(frame.from).string(frame.origin);
      return writer.number(frame.first).number(frame.last).finish();
  }
}

/** The frame in `bytes`, with a message of at most `maxDataBytes`; `undefined` if it is none. */
export function decodeFrame(bytes: Uint8Array, maxDataBytes: number): Frame | undefined {
  const reader = new ByteReader(bytes);
  if (reader.byte() !== VERSION) return undefined;
  const frame = readFrame(reader, maxDataBytes);
  return frame !== undefined && reader.isWhole && isSound(frame) ? frame : undefined;
}

function readFrame(reader: ByteReader, maxDataBytes: number): Frame | undefined {
  const kind = reader.byte();
  const first = reader.string(MAX_NODE_ID_BYTES);
  if (kind === DATA) {
    const seq = reader.number();
    const oldest = reader.number();
    return { kind: "data", origin: first, seq, oldest, data: reader.rest(maxDataBytes) };
  }
  if (kind === DIGEST) {
    const heads = reader.list(2 * MAX_MEMBERS, () => ({
      member: reader.string(MAX_NODE_ID_BYTES),
      oldest: reader.number(),
      through: reader.number(),
    }));
    return { kind: "digest", from: first, heads };
  }
  if (kind !== REQUEST && kind !== GONE) return undefined;
  return {
    kind: kind === REQUEST ? "request" : "gone",
    from: first,
    origin: reader.string(MAX_NODE_ID_BYTES),
    first: reader.number(),
    last: reader.number(),
  };
}

function isSound(frame: Frame): boolean {
  switch (frame.kind) {
    case "data":
      return isMember(frame.origin) && frame.seq >= 1 && frame.oldest <= frame.seq;
    case "digest":
      return (
        isMember(frame.from) &&
        frame.heads.every(({ member, oldest, through }) => {
          return isMember(member) && oldest >= 1 && oldest <= through + 1;
        })
      );
    case "request":
    case "gone": {
      const { from, origin, first, last } = frame;
      return isMember(from) && isMember(origin) && first >= 1 && first <= last;
    }
  }
}

function isMember(member: MemberId): boolean {
  return nodeOf(member) !== undefined;
}
