/**
 * A fence record: a floor and a payload in one value, so that one conditional write moves both.
 *
 * 16 decimal digits of the floor, then the payload's bytes. A token is a safe integer, and
 * 2⁵³ has 16 digits; fixed width lets a Lua script compare floors as strings, where numbers
 * would lose digits.
 */
import { position } from "./checks.ts";
import type { FencingToken } from "./waist/common.ts";

/** Bytes before the payload. */
export const FENCE_HEADER_BYTES = 16;

/** A floor and what it guards. */
export interface FenceRecord {
  readonly floor: FencingToken;
  readonly payload: Uint8Array;
}

/** The token in 16 digits. */
export function encodeToken(token: FencingToken): string {
  return String(position("fencingToken", token)).padStart(FENCE_HEADER_BYTES, "0");
}

/** The bytes of a fence record. */
export function encodeFenceRecord(record: FenceRecord): Uint8Array {
  const bytes = new Uint8Array(FENCE_HEADER_BYTES + record.payload.byteLength);
  bytes.set(Buffer.from(encodeToken(record.floor), "latin1"));
  bytes.set(record.payload, FENCE_HEADER_BYTES);
  return bytes;
}

/** Reads a fence record; `undefined` if it is not one. */
export function decodeFenceRecord(bytes: Uint8Array): FenceRecord | undefined {
  const header = Buffer.from(bytes.subarray(0, FENCE_HEADER_BYTES)).toString("latin1");
  const floor = Number(header);
  if (!/^\d{16}$/.test(header) || !Number.isSafeInteger(floor) || floor <= 0) return undefined;
  return { floor, payload: bytes.subarray(FENCE_HEADER_BYTES) };
}
