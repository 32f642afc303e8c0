/**
 * Small tools that cases share: bytes, readers of watches, and claims about errors.
 */
import { strict as assert } from "node:assert";
import {
  type Backend,
  type Effect,
  type Entry,
  type ErrorCode,
  type Grant,
  isQuorateError,
  type LeaseRequest,
  type PutOptions,
  type QuorateError,
  type Refusal,
} from "@quorate/core";

/** UTF-8 of `text`. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Text of UTF-8. */
export function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined
    ? undefined
    : new TextDecoder("utf-8", { ignoreBOM: true }).decode(value);
}

/** All items of a listing. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Puts and insists that it was written. */
export async function mustPut(
  backend: Backend,
  key: string,
  value: Uint8Array | string,
  options?: PutOptions,
): Promise<Entry> {
  const result = await backend.kv.put(key, value, options);
  assert(result.ok, `put of ${key} should have been applied`);
  return result.entry;
}

/** Deletes and insists that something was deleted; its revision. */
export async function mustDelete(backend: Backend, key: string): Promise<number> {
  const result = await backend.kv.delete(key);
  assert(result.ok, `delete of ${key} should have found it`);
  return result.revision;
}

/** Claims and insists on the grant. */
export async function mustAcquire(
  backend: Backend,
  name: string,
  request: LeaseRequest,
): Promise<Grant> {
  return mustBeGranted(await backend.leases.acquire(name, request));
}

/** The grant in `answer`, or a failed case. */
export function mustBeGranted(answer: Grant | Refusal): Grant {
  assert(answer.granted, "the claim should have been granted");
  return answer;
}

/** A fresh owner. */
export function newOwner(backend: Backend): string {
  return backend.runtime.ids.unique();
}

/** A claim of capacity 1 with a fresh owner. */
export function claim(backend: Backend, ttlMs: number, more?: Partial<LeaseRequest>): LeaseRequest {
  return { owner: newOwner(backend), ttlMs, ...more };
}

/** Insists that `error` is a `QuorateError` with one of `codes`, and this effect if given. */
export function assertError(
  error: unknown,
  codes: ErrorCode | readonly ErrorCode[],
  effect?: Effect,
): QuorateError {
  assert(isQuorateError(error), `should be a QuorateError, is ${String(error)}`);
  const allowed = typeof codes === "string" ? [codes] : codes;
  assert(allowed.includes(error.code), `should be ${allowed.join(" or ")}, is ${error.message}`);
  if (effect !== undefined) assert.equal(error.effect, effect, `effect of ${error.message}`);
  return error;
}

/** Insists that `call` is refused with one of `codes` and effect `none`. */
export async function assertRefused(
  call: () => unknown,
  codes: ErrorCode | readonly ErrorCode[] = "INVALID_ARGUMENT",
): Promise<QuorateError> {
  // A rejection and a throw are both refusals.
  const outcome = await Promise.resolve()
    .then(call)
    .then(
      () => ({ refused: false, error: undefined }),
      (error: unknown) => ({ refused: true, error }),
    );
  assert(outcome.refused, `should have been refused: ${String(call)}`);
  return assertError(outcome.error, codes, "none");
}
