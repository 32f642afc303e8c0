/**
 * Seals: a shared secret on each packet, so that a stranger can neither join nor kill.
 *
 * HMAC-SHA256 over the packet and the sender's wall clock, cut to 128 bits. A ring of keys lets a
 * secret change without a stop: the first key seals, all of them open. First give every process
 * the new key in second place, then in first, then take the old one out.
 *
 * Against replay two things stand. A packet whose stamp is further from our clock than
 * `maxAgeMs` is dropped; and within that time a repeated packet says nothing new, because every
 * accusation and every refutation names an incarnation, and an old one loses. So clocks of members
 * must agree within `maxAgeMs`.
 *
 * Does not guarantee secrecy: packets are signed, not hidden. Nor does it help against a member
 * that has the secret and lies.
 *
 * Krawczyk, Bellare, Canetti, RFC 2104; its section 5 allows the cut to half.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { invalidArgument, type Ms } from "@quorate/core";
import { MAX_PACKET_BYTES, type PacketRefusal, SEAL_BYTES } from "./packet.ts";

/** Puts seals on packets and takes them off. */
export interface Seal {
  /** The packet, sealed. */
  close(packet: Uint8Array, wallMs: Ms): Uint8Array;
  /** The packet within, or why it is refused. */
  open(sealed: Uint8Array, wallMs: Ms): Uint8Array | PacketRefusal;
}

/** Options of a seal. */
export interface SealOptions {
  /** The first seals, all of them open. 16 to 256 bytes each, at most 4. */
  readonly secrets: readonly (string | Uint8Array)[];
  /** How far a packet's stamp may be from our clock, either way. */
  readonly maxAgeMs: Ms;
}

const STAMP_BYTES = 6;
const TAG_BYTES = SEAL_BYTES - STAMP_BYTES;
const MAX_SECRETS = 4;
const MIN_SECRET_BYTES = 16;
const MAX_SECRET_BYTES = 256;

/** A seal by `secrets`. @throws INVALID_ARGUMENT; the error does not show a secret. */
export function createSeal({ secrets, maxAgeMs }: SealOptions): Seal {
  if (!Array.isArray(secrets) || secrets.length === 0 || secrets.length > MAX_SECRETS) {
    throw invalidArgument("secrets", secrets, `1 to ${MAX_SECRETS} secrets`);
  }
  const keys = secrets.map(checkSecret);
  const [first = Buffer.alloc(0)] = keys;
  return {
    close(packet, wallMs) {
      const sealed = Buffer.allocUnsafe(packet.length + SEAL_BYTES);
      sealed.set(packet);
      sealed.writeUIntBE(Math.max(0, Math.floor(wallMs)), packet.length, STAMP_BYTES);
      const signed = sealed.subarray(0, packet.length + STAMP_BYTES);
      sealed.set(tagOf(first, signed), signed.length);
      return sealed;
    },
    open(sealed, wallMs) {
      if (sealed.length > MAX_PACKET_BYTES) return "too-long";
      if (sealed.length <= SEAL_BYTES) return "seal";
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      const signed = bytes.subarray(0, bytes.length - TAG_BYTES);
      const tag = bytes.subarray(bytes.length - TAG_BYTES);
      if (!keys.some((key) => timingSafeEqual(tagOf(key, signed), tag))) return "seal";
      const stampMs = bytes.readUIntBE(signed.length - STAMP_BYTES, STAMP_BYTES);
      if (Math.abs(wallMs - stampMs) > maxAgeMs) return "stamp";
      return signed.subarray(0, signed.length - STAMP_BYTES);
    },
  };
}

function tagOf(key: Uint8Array, signed: Uint8Array): Uint8Array {
  return createHmac("sha256", key).update(signed).digest().subarray(0, TAG_BYTES);
}

function checkSecret(secret: string | Uint8Array): Uint8Array {
  const isKnown = typeof secret === "string" || secret instanceof Uint8Array;
  const key = isKnown ? Buffer.from(secret as Uint8Array) : Buffer.alloc(0);
  if (key.length >= MIN_SECRET_BYTES && key.length <= MAX_SECRET_BYTES) return key;
  const expected = `${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes, as randomBytes(32)`;
  throw invalidArgument("secrets", `a secret of ${key.length} bytes`, expected);
}
