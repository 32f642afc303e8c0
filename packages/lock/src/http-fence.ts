/**
 * Fencing tokens over HTTP: one header there, one status and one header back.
 *
 * The service at the other end keeps the floor (see docs/fencing.md); these are the words in which
 * both ends speak. Strict on reading: a token that was mangled on its way must be an error, because
 * a wrong number either shuts everybody out or lets everybody in.
 */
import { type FencingToken, invalidArgument, isQuorateError, position, show } from "@quorate/core";

/** Header of a request: the token under which it was sent. */
export const FENCE_HEADER = "Fencing-Token";
/** Header of a refusal: the floor that the token was below. */
export const FLOOR_HEADER = "Fencing-Floor";

const TOKEN = /^[1-9]\d{0,15}$/;

/** Headers, of `fetch` or of Node. */
export type HeaderSource =
  | { get(name: string): string | null }
  | { readonly [name: string]: string | readonly string[] | undefined };

/** The header to send along. Checks the lock: a lost one gets no header. @throws LOCK_LOST */
export function fenceHeaders(holder: { check(): FencingToken }): Record<string, string> {
  return { [FENCE_HEADER]: String(position("fencingToken", holder.check())) };
}

/**
 * The token of a request; `undefined` if it has none (refuse such a request: 428).
 *
 * @throws INVALID_ARGUMENT it is not one plain decimal number in the range of tokens.
 */
export function readFenceHeader(headers: HeaderSource): FencingToken | undefined {
  const value = valueOf(headers);
  if (value === undefined) return undefined;
  const token = TOKEN.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(token)) return token;
  throw invalidArgument(FENCE_HEADER, value, "one decimal number from 1 to 2^53 - 1");
}

/** The answer to a request that a guard refused, 412 with the floor; else `undefined`. */
export function fenceRefusal(
  error: unknown,
): { readonly status: 412; readonly headers: Record<string, string> } | undefined {
  if (!isQuorateError(error, "STALE_TOKEN")) return undefined;
  return { status: 412, headers: { [FLOOR_HEADER]: String(error.details.floor) } };
}

function valueOf(headers: HeaderSource): string | undefined {
  const { get } = headers;
  if (typeof get === "function") {
    return get.call(headers, FENCE_HEADER) ?? undefined;
  }
  // Node's names are lower case; a record made by hand may have any case, but must not have two.
  const values = Object.entries(headers)
    .filter(([name]) => name.toLowerCase() === FENCE_HEADER.toLowerCase())
    .flatMap(([, value]) => (value === undefined ? [] : value));
  if (values.length > 1) throw invalidArgument(FENCE_HEADER, show(values), "given once");
  return values[0] as string | undefined;
}
