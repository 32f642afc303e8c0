/**
 * News: what members tell one another about members, as bytes.
 *
 * One kind, one incarnation, one name, and where they are of use the address, what the member says
 * of itself, and who accuses it. The writer makes bytes once and they are told on as they are; the
 * reader judges all lengths first and makes strings only of what somebody asks for, since most
 * news is old news.
 *
 * Layout: kind, incarnation (48 bits), then id, address, accuser with a length byte each, then data
 * with two.
 */
import type { MemberState } from "../membership.ts";
import { textOf } from "./names-cache.ts";

/** Something told about a member. */
export interface News {
  /** What the member is said to be. */
  readonly kind: MemberState;
  /** Which member. */
  readonly id: string;
  /** In which of its incarnations. */
  readonly incarnation: number;
  /** Empty: the teller left it out. Always there in `alive`. */
  readonly address: string;
  /** What the member says of itself; empty where the address is. */
  readonly data: string;
  /** Who accuses; empty in `alive` and `left`. */
  readonly by: string;
}

/** Longest name of a member, in bytes of UTF-8. */
export const MAX_MEMBER_ID_BYTES = 128;
/** Longest address, in bytes. */
export const MAX_ADDRESS_BYTES = 128;
/** Longest `data`: a packet must hold one piece of news whole. */
export const MAX_SWIM_DATA_BYTES = 512;
/** Greatest incarnation that the wire holds: milliseconds until the year 10889. */
export const MAX_INCARNATION: number = 2 ** 48 - 1;

const KINDS: readonly MemberState[] = ["alive", "suspect", "down", "left"];
const FIXED_BYTES = 1 + 6 + 1 + 1 + 1 + 2;

/** Bytes of a piece of news. Bounds are the caller's to keep. */
export function writeNews({ kind, id, incarnation, address, data, by }: News): Uint8Array {
  const dataBytes = Buffer.byteLength(data);
  const texts = Buffer.byteLength(id) + Buffer.byteLength(address) + Buffer.byteLength(by);
  const bytes = Buffer.allocUnsafe(FIXED_BYTES + texts + dataBytes);
  bytes[0] = KINDS.indexOf(kind);
  bytes.writeUIntBE(incarnation, 1, 6);
  const at = writeText(bytes, writeText(bytes, writeText(bytes, 7, id), address), by);
  bytes.writeUInt16BE(dataBytes, at);
  bytes.write(data, at + 2);
  return bytes;
}

/** A byte of length, then the text; returns where it ends. */
export function writeText(bytes: Uint8Array, at: number, text: string): number {
  const length = text === "" ? 0 : bufferOf(bytes).write(text, at + 1);
  bytes[at] = length;
  return at + 1 + length;
}

/** The same bytes with Buffer's verbs: public types must not need those of Node. */
function bufferOf(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Where the parts of a piece of news begin, and where it ends. */
interface Places {
  readonly addressAt: number;
  readonly byAt: number;
  readonly dataAt: number;
  readonly endsAt: number;
}

/** News within a packet, its strings made when they are read. */
class PackedNews implements News {
  readonly kind: MemberState;
  readonly id: string;
  readonly incarnation: number;
  /** Where the next piece begins. */
  readonly endsAt: number;
  readonly #bytes: Buffer;
  readonly #addressAt: number;
  readonly #byAt: number;
  readonly #dataAt: number;

  constructor(bytes: Buffer, at: number, kind: MemberState, places: Places) {
    this.kind = kind;
    this.incarnation = bytes.readUIntBE(at + 1, 6);
    this.id = textOf(bytes, at + 8, places.addressAt);
    this.endsAt = places.endsAt;
    this.#bytes = bytes;
    this.#addressAt = places.addressAt;
    this.#byAt = places.byAt;
    this.#dataAt = places.dataAt;
  }

  get address(): string {
    return textOf(this.#bytes, this.#addressAt + 1, this.#byAt);
  }

  get by(): string {
    return textOf(this.#bytes, this.#byAt + 1, this.#dataAt);
  }

  get data(): string {
    return this.#bytes.toString("utf8", this.#dataAt + 2, this.endsAt);
  }
}

/** All news from `at` to the end; `undefined` if any of it is not well-formed. Never throws. */
export function readNews(bytes: Uint8Array, at: number): readonly News[] | undefined {
  const buffer = bufferOf(bytes);
  const all: News[] = [];
  for (let from = at; from < buffer.length;) {
    const news = readOne(buffer, from);
    if (news === undefined) return undefined;
    all.push(news);
    from = news.endsAt;
  }
  return all;
}

function readOne(bytes: Buffer, at: number): PackedNews | undefined {
  const kind = KINDS[bytes[at] ?? KINDS.length];
  const idBytes = bytes[at + 7] ?? 0;
  const addressAt = at + 8 + idBytes;
  const addressBytes = bytes[addressAt] ?? 0;
  const byAt = addressAt + 1 + addressBytes;
  const byBytes = bytes[byAt] ?? 0;
  const dataAt = byAt + 1 + byBytes;
  if (kind === undefined || dataAt + 2 > bytes.length) return undefined;
  const dataBytes = bytes.readUInt16BE(dataAt);
  const endsAt = dataAt + 2 + dataBytes;
  const fits =
    idBytes > 0 &&
    idBytes <= MAX_MEMBER_ID_BYTES &&
    addressBytes <= MAX_ADDRESS_BYTES &&
    byBytes <= MAX_MEMBER_ID_BYTES &&
    dataBytes <= MAX_SWIM_DATA_BYTES &&
    endsAt <= bytes.length;
  if (!fits || (kind === "alive" && addressBytes === 0)) return undefined;
  return new PackedNews(bytes, at, kind, { addressAt, byAt, dataAt, endsAt });
}
