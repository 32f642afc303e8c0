/**
 * Requests as every engine takes them: checked, with defaults filled in, before anything is sent.
 *
 * One place, so that all engines refuse alike and in the same words. A bad request costs nothing:
 * the error names the option and the value, its effect is `none`.
 */
import * as check from "../checks.ts";
import { QuorateError } from "../errors/quorate-error.ts";
import { checkName } from "../names.ts";
import type { CallOptions, Ms, Revision } from "./common.ts";
import type { DeleteOptions, PutOptions } from "./kv.ts";
import type { Grant, LeaseRequest, ReleasableGrant } from "./leases.ts";

/** Most bytes of `LeaseRequest.data`. */
export const MAX_LEASE_DATA_BYTES = 4096;
/** Deadline of a call where neither it nor its backend names one. */
export const DEFAULT_REQUEST_TIMEOUT_MS = 5_000;

const MAX_OPERATION_ID = 64;
const NOT_OF_OPERATION_ID = /[^0-9A-Za-z_-]/;

/** What requests are checked against. */
export interface RequestBounds {
  readonly minTtlMs: Ms;
  readonly maxValueBytes: number;
  readonly requestTimeoutMs: Ms;
  /** Makes the operation id of a write that has none. */
  readonly newOperationId: () => string;
}

/** Bounds of a call. */
export interface CheckedCall {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: Ms;
}

/** A put, ready to send. */
export interface CheckedPut extends CheckedCall {
  readonly key: string;
  readonly value: Uint8Array;
  readonly expect: Revision | "absent" | undefined;
  readonly ttlMs: Ms | undefined;
  readonly operationId: string;
}

/** A delete, ready to send. */
export interface CheckedDelete extends CheckedCall {
  readonly key: string;
  readonly expect: Revision | undefined;
  readonly operationId: string;
}

/** A claim, ready to send. */
export interface CheckedLease extends CheckedCall {
  readonly name: string;
  readonly owner: string;
  readonly ttlMs: Ms;
  readonly waitMs: Ms;
  readonly weight: number;
  readonly capacity: number;
  readonly fair: boolean;
  readonly data: string | undefined;
}

/** Signal and deadline of any call. An aborted signal rejects with its reason at once. */
export function checkCall(options: CallOptions | undefined, bounds: RequestBounds): CheckedCall {
  const timeoutMs = check.positive("timeoutMs", options?.timeoutMs ?? bounds.requestTimeoutMs);
  return { signal: checkSignal(options?.signal), timeoutMs };
}

/** `signal` if it is one; throws its reason if it has aborted. */
export function checkSignal(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined) return signal;
  if (!(signal instanceof AbortSignal)) {
    throw check.invalidArgument("signal", signal, "an AbortSignal");
  }
  signal.throwIfAborted();
  return signal;
}

/** Checks a put. */
export function checkPut(
  key: string,
  value: Uint8Array | string,
  options: PutOptions | undefined,
  bounds: RequestBounds,
): CheckedPut {
  // Field by field here and below: a spread with fields after it costs microseconds on Node 20.
  const { signal, timeoutMs } = checkCall(options, bounds);
  const { expect, ttlMs } = options ?? {};
  if (expect !== undefined && expect !== "absent") check.position("expect", expect);
  return {
    signal,
    timeoutMs,
    key: checkName("key", key),
    value: checkValue("value", value, bounds.maxValueBytes),
    expect,
    ttlMs: ttlMs === undefined ? undefined : check.ttl("ttlMs", ttlMs, bounds.minTtlMs),
    operationId: checkOperationId(options?.operationId, bounds),
  };
}

/** Checks a delete. */
export function checkDelete(
  key: string,
  options: DeleteOptions | undefined,
  bounds: RequestBounds,
): CheckedDelete {
  const { signal, timeoutMs } = checkCall(options, bounds);
  const expect = options?.expect;
  if (expect !== undefined) check.position("expect", expect);
  const operationId = checkOperationId(options?.operationId, bounds);
  return { signal, timeoutMs, key: checkName("key", key), expect, operationId };
}

/** Checks a claim. */
export function checkLease(
  name: string,
  request: LeaseRequest,
  bounds: RequestBounds,
): CheckedLease {
  if (typeof request !== "object" || request === null) {
    throw check.invalidArgument("request", request, "an object with owner and ttlMs");
  }
  const { signal, timeoutMs } = checkCall(request, bounds);
  const capacity = check.positiveInteger("capacity", request.capacity ?? 1);
  const weight = check.positiveInteger("weight", request.weight ?? 1);
  if (weight > capacity) {
    throw check.invalidArgument("weight", weight, `at most the capacity, ${capacity}`);
  }
  return {
    signal,
    timeoutMs,
    name: checkName("name", name),
    owner: check.boundedString("owner", request.owner, 128),
    ttlMs: check.ttl("ttlMs", request.ttlMs, bounds.minTtlMs),
    waitMs: checkWait(request.waitMs ?? 0),
    weight,
    capacity,
    fair: check.boolean("fair", request.fair ?? true),
    data: checkData(request.data),
  };
}

/** Checks what identifies a claim to release or renew. */
export function checkClaim<G extends ReleasableGrant | Grant>(grant: G): G {
  if (typeof grant !== "object" || grant === null) {
    throw check.invalidArgument("grant", grant, "a grant of this backend");
  }
  checkName("grant.name", grant.name);
  check.boundedString("grant.owner", grant.owner, 128);
  if (grant.fencingToken !== undefined) check.position("grant.fencingToken", grant.fencingToken);
  return grant;
}

/** Bytes of a value within `maxBytes`; a string becomes UTF-8. */
export function checkValue(
  option: string,
  value: Uint8Array | string,
  maxBytes: number,
): Uint8Array {
  if (typeof value !== "string" && !(value instanceof Uint8Array)) {
    throw check.invalidArgument(option, value, "a Uint8Array or a string");
  }
  if (typeof value === "string" && !value.isWellFormed()) {
    throw check.invalidArgument(option, "a string", "free of unpaired surrogates");
  }
  const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
  const size = bytes.byteLength;
  if (size <= maxBytes) return bytes;
  const details = { option, size, limit: maxBytes };
  const message = `${option} has ${size} bytes, this engine takes at most ${maxBytes}`;
  throw new QuorateError("TOO_LARGE", message, { effect: "none", details });
}

function checkOperationId(id: string | undefined, bounds: RequestBounds): string {
  if (id === undefined) return bounds.newOperationId();
  if (typeof id === "string" && isOperationId(id)) return id;
  throw check.invalidArgument("operationId", id, "1 to 64 characters of [0-9A-Za-z_-]");
}

function isOperationId(id: string): boolean {
  // Not a walk along the characters: where a class extends String, as in ioredis 6, each look at
  // one costs ten times as much.
  return id.length > 0 && id.length <= MAX_OPERATION_ID && !NOT_OF_OPERATION_ID.test(id);
}

/** Waiting for ever is legal, and must be asked for: `Infinity`. */
function checkWait(waitMs: Ms): Ms {
  return waitMs === Infinity ? waitMs : check.nonNegative("waitMs", waitMs);
}

function checkData(data: string | undefined): string | undefined {
  return data === undefined || data === ""
    ? undefined
    : check.boundedString("data", data, MAX_LEASE_DATA_BYTES);
}
