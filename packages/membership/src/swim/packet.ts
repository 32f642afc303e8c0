/**
 * Packets: the messages of SWIM on the wire, and the only reader of foreign ones.
 *
 * A header says version, kind, group, number and sender; then the few facts of the kind; the rest
 * is news, which rides along with whatever is sent anyway. Nothing is longer than 1,400 bytes, so
 * nothing is cut in two on its way through an Ethernet.
 *
 * Guarantees: what `decodePacket` returns has the types it says and bounded strings; anything else
 * is a reason, never an exception. Does not guarantee: that the sender is who it says; that is
 * what `createSeal` is for.
 */
import { textOf } from "./names-cache.ts";
import type { News } from "./news.ts";
import { MAX_ADDRESS_BYTES, MAX_MEMBER_ID_BYTES, readNews, writeText } from "./news.ts";

/** Most bytes of a packet, seal included. */
export const MAX_PACKET_BYTES = 1_400;
/** What a seal adds: a stamp and a tag. */
export const SEAL_BYTES: number = 6 + 16;

/** What a packet is for. */
export type SwimMessage =
  /** Are you there? For `target` alone: another may live at its address by now. */
  | { readonly kind: "ping"; readonly seq: number; readonly target: string }
  /** Ask `target` at `address` for me. */
  | {
      readonly kind: "ping-req";
      readonly seq: number;
      readonly target: string;
      readonly address: string;
    }
  /** `subject` is there. */
  | { readonly kind: "ack"; readonly seq: number; readonly subject: string }
  /** I am there, and the one that I asked for you has not answered. */
  | { readonly kind: "nack"; readonly seq: number }
  | { readonly kind: "gossip"; readonly seq: number }
  /** My table has this digest; is yours another? */
  | { readonly kind: "sync"; readonly seq: number; readonly digest: Digest }
  /** A part of my table, as the answer to a sync; `wants` yours too. */
  | { readonly kind: "state"; readonly seq: number; readonly wants: boolean }
  /** You have my name, and I was born at `birth`. */
  | { readonly kind: "conflict"; readonly seq: number; readonly birth: number };

/** How many living members a table has, and a hash of who they are. */
export interface Digest {
  /** Members that live. */
  readonly count: number;
  /** 32 bits of the hash. */
  readonly low: number;
  /** Another 32. */
  readonly high: number;
}

/** Who sends: the same in each of its packets. */
export interface Sender {
  /** Hash of the group's name: members of two groups on one network do not mix. */
  readonly group: number;
  /** Its name. */
  readonly id: string;
  /** Where it is reached, as it says. */
  readonly address: string;
}

/** A packet that arrived. */
export interface SwimPacket {
  /** Who sent it. */
  readonly from: Sender;
  /** What it is for. */
  readonly message: SwimMessage;
  /** What rides along, in the order of its writing. */
  readonly news: readonly News[];
}

/** Why a packet was refused. */
export type PacketRefusal = "too-long" | "version" | "malformed" | "group" | "seal" | "stamp";

/** What reading came to. */
export type PacketResult =
  | { readonly ok: true; readonly packet: SwimPacket }
  | { readonly ok: false; readonly reason: PacketRefusal };

const VERSION = 1;
const HEADER_BYTES = 1 + 1 + 4 + 4;
const KINDS = [
  ...(["ping", "ping-req", "ack", "nack"] as const),
  ...(["gossip", "sync", "state", "conflict"] as const),
];

/** Bytes of a packet without its news. */
export function headBytes(from: Sender, message: SwimMessage): number {
  const own = HEADER_BYTES + 2 + Buffer.byteLength(from.id) + Buffer.byteLength(from.address);
  switch (message.kind) {
    case "ping":
      return own + 1 + Buffer.byteLength(message.target);
    case "ping-req":
      return own + 2 + Buffer.byteLength(message.target) + Buffer.byteLength(message.address);
    case "ack":
      return own + 1 + Buffer.byteLength(message.subject);
    case "sync":
      return own + 12;
    case "state":
      return own + 1;
    case "conflict":
      return own + 6;
    case "nack":
    case "gossip":
      return own;
  }
}

/** Bytes for the wire. `news` are pieces of `writeNews` that fit, as the machine sees to. */
export function encodePacket(
  from: Sender,
  message: SwimMessage,
  news: readonly Uint8Array[],
): Uint8Array {
  let size = headBytes(from, message);
  for (const piece of news) size += piece.length;
  const bytes = Buffer.allocUnsafe(size);
  bytes[0] = VERSION;
  bytes[1] = KINDS.indexOf(message.kind);
  bytes.writeUInt32BE(from.group, 2);
  bytes.writeUInt32BE(message.seq, 6);
  let at = writeText(bytes, writeText(bytes, HEADER_BYTES, from.id), from.address);
  at = writeFacts(bytes, at, message);
  for (const piece of news) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function writeFacts(bytes: Buffer, at: number, message: SwimMessage): number {
  switch (message.kind) {
    case "ping":
      return writeText(bytes, at, message.target);
    case "ping-req":
      return writeText(bytes, writeText(bytes, at, message.target), message.address);
    case "ack":
      return writeText(bytes, at, message.subject);
    case "sync": {
      const { count, low, high } = message.digest;
      bytes.writeUInt32BE(count, at);
      bytes.writeUInt32BE(low, at + 4);
      return bytes.writeUInt32BE(high, at + 8);
    }
    case "state":
      return bytes.writeUInt8(message.wants ? 1 : 0, at);
    case "conflict":
      return bytes.writeUIntBE(message.birth, at, 6);
    case "nack":
    case "gossip":
      return at;
  }
}

/** Reads what somebody sent to the group whose hash is `group`. Never throws. */
export function decodePacket(data: Uint8Array, group: number): PacketResult {
  if (data.length > MAX_PACKET_BYTES) return { ok: false, reason: "too-long" };
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bytes[0] !== VERSION) return { ok: false, reason: "version" };
  if (bytes.length < HEADER_BYTES + 4) return { ok: false, reason: "malformed" };
  if (bytes.readUInt32BE(2) !== group) return { ok: false, reason: "group" };
  const reader = new Reader(bytes, HEADER_BYTES);
  const id = reader.text(1, MAX_MEMBER_ID_BYTES);
  const address = reader.text(1, MAX_ADDRESS_BYTES);
  const message = readMessage(reader, KINDS[bytes[1] ?? KINDS.length], bytes.readUInt32BE(6));
  if (reader.isBroken || message === undefined) return { ok: false, reason: "malformed" };
  const news = readNews(bytes, reader.at);
  if (news === undefined) return { ok: false, reason: "malformed" };
  return { ok: true, packet: { from: { group, id, address }, message, news } };
}

function readMessage(
  reader: Reader,
  kind: SwimMessage["kind"] | undefined,
  seq: number,
): SwimMessage | undefined {
  switch (kind) {
    case "ping":
      return { kind, seq, target: reader.text(1, MAX_MEMBER_ID_BYTES) };
    case "ping-req": {
      const target = reader.text(1, MAX_MEMBER_ID_BYTES);
      return { kind, seq, target, address: reader.text(1, MAX_ADDRESS_BYTES) };
    }
    case "ack":
      return { kind, seq, subject: reader.text(1, MAX_MEMBER_ID_BYTES) };
    case "sync": {
      const [count, low, high] = [reader.uint(4), reader.uint(4), reader.uint(4)];
      return { kind, seq, digest: { count, low, high } };
    }
    case "state":
      return { kind, seq, wants: reader.uint(1) === 1 };
    case "conflict":
      return { kind, seq, birth: reader.uint(6) };
    case "nack":
    case "gossip":
      return { kind, seq };
    case undefined:
      return undefined;
  }
}

/** Reads on from a place; once it ran over the end it is broken and reads nothing more. */
class Reader {
  readonly #bytes: Buffer;
  at: number;
  isBroken = false;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  uint(size: number): number {
    const from = this.at;
    if (!this.#take(size)) return 0;
    return this.#bytes.readUIntBE(from, size);
  }

  text(least: number, most: number): string {
    const length = this.uint(1);
    const from = this.at;
    if (length < least || length > most || !this.#take(length)) {
      this.isBroken = true;
      return "";
    }
    return textOf(this.#bytes, from, from + length);
  }

  #take(size: number): boolean {
    this.isBroken ||= this.at + size > this.#bytes.length;
    if (!this.isBroken) this.at += size;
    return !this.isBroken;
  }
}

/** 32 bits of a name, well mixed: FNV-1a over its UTF-16 units, then murmur3's finalizer. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
