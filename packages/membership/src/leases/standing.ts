/**
 * What a member says of itself, as it stands in its lease.
 *
 * `born` is the fencing token of the first lease of this life: what a member says later stands in
 * a new lease with a greater token, and is still the same life. It is foreign input to all others.
 */
import {
  type FencingToken,
  type Json,
  MAX_LEASE_DATA_BYTES,
  parseJson,
  QuorateError,
} from "@quorate/core";

const VERSION = 1;
/** As long as a token can get, so that a standing that fits once fits always. */
const LONGEST_TOKEN = Number.MAX_SAFE_INTEGER;

/** What a member says of itself. */
export interface Standing {
  readonly address: string;
  readonly data: string;
}

/** A standing as it was found in a lease. */
export type FoundStanding =
  | { readonly ok: true; readonly standing: Standing; readonly born: FencingToken }
  | { readonly ok: false; readonly reason: string };

/** The text of a lease. `born`: of this life's first lease; `undefined`: this is the first. */
export function encodeStanding(standing: Standing, born: FencingToken | undefined): string {
  const { address: a, data: d } = standing;
  return JSON.stringify({ v: VERSION, a, d, ...(born === undefined ? {} : { b: born }) });
}

/** `standing` if a lease has room for it. @throws TOO_LARGE */
export function checkStanding(standing: Standing): Standing {
  const size = Buffer.byteLength(encodeStanding(standing, LONGEST_TOKEN));
  if (size <= MAX_LEASE_DATA_BYTES) return standing;
  const message =
    `data and address take ${size} bytes of a lease, which has room for ` +
    `${MAX_LEASE_DATA_BYTES}; keep what is large in the kv and say its key`;
  const details = { option: "data", size, limit: MAX_LEASE_DATA_BYTES };
  throw new QuorateError("TOO_LARGE", message, { effect: "none", details });
}

/** Reads the text of a lease with this token. */
export function decodeStanding(text: string | undefined, token: FencingToken): FoundStanding {
  if (text === undefined) return { ok: false, reason: "it says nothing" };
  const bounds = { maxBytes: MAX_LEASE_DATA_BYTES, maxDepth: 4, maxNodes: 64 };
  const parsed = parseJson(text, bounds);
  if (!parsed.ok) return { ok: false, reason: parsed.reason };
  const { value } = parsed;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { ok: false, reason: "not an object" };
  }
  const { v, a, d, b = token } = value as { readonly [key: string]: Json };
  if (v !== VERSION) return { ok: false, reason: "another version" };
  if (typeof a !== "string" || typeof d !== "string") return { ok: false, reason: "fields" };
  if (typeof b !== "number" || !Number.isSafeInteger(b) || b < 1 || b > token) {
    return { ok: false, reason: "born after its own lease" };
  }
  return { ok: true, standing: { address: a, data: d }, born: b };
}
