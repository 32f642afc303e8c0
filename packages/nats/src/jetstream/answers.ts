/**
 * What JetStream answers: JSON of a server, read with bounds, and its error numbers.
 *
 * Numbers are `err_code`s of nats-server's `errors.json`; texts change between versions, numbers
 * do not. Only those on which something depends are named.
 */
import { parseJson } from "@quorate/core";
import type { Json } from "@quorate/core";

/** `err_code`s that we act on. */
export const ErrCode = {
  noSuitablePeers: 10_005,
  clusterNotAvailable: 10_008,
  consumerNotFound: 10_014,
  insufficientResources: 10_023,
  memoryResourcesExceeded: 10_028,
  messageNotFound: 10_037,
  notEnabledForAccount: 10_039,
  sequenceNotFound: 10_043,
  storageResourcesExceeded: 10_047,
  streamNameInUse: 10_058,
  streamNotFound: 10_059,
  subjectsOverlap: 10_065,
  wrongLastSequence: 10_071,
  replicasNotSupported: 10_074,
  notEnabled: 10_076,
  wrongLastSequenceConstant: 10_164,
  duplicateInProcess: 10_158,
} as const;

/** An error that JetStream answered. */
export interface ApiError {
  /** As of HTTP: 400, 404, 503. */
  readonly status: number;
  readonly errCode: number;
  readonly description: string;
}

/** An answer of the JetStream API, or of a stream to a publication. */
export type ApiAnswer =
  | { readonly kind: "ok"; readonly body: JsonObject }
  | { readonly kind: "error"; readonly error: ApiError };

/** A JSON object without a prototype. */
export type JsonObject = { readonly [key: string]: Json };

/** Answers may hold 100 000 subjects, or a value of 512 KiB as base64. */
const BOUNDS = { maxBytes: 64 * 1024 * 1024, maxDepth: 16, maxNodes: 300_000 };

/** Reads an answer; what is not JSON of the expected shape is an error of status 0. */
export function parseAnswer(data: Uint8Array): ApiAnswer {
  const result = parseJson(data, BOUNDS);
  if (!result.ok) return malformed(result.reason);
  const body = asObject(result.value);
  if (body === undefined) return malformed("not an object");
  const error = asObject(body["error"]);
  if (error === undefined) return { kind: "ok", body };
  return {
    kind: "error",
    error: {
      status: asNumber(error["code"]) ?? 0,
      errCode: asNumber(error["err_code"]) ?? 0,
      description: asString(error["description"]) ?? "unknown error",
    },
  };
}

/** True where the same question may be answered soon: no leader, no quorum, still starting. */
export function isTemporary(error: ApiError): boolean {
  const { errCode, status } = error;
  if (errCode === ErrCode.notEnabled || errCode === ErrCode.notEnabledForAccount) return false;
  return status === 503 || status === 0 || errCode === ErrCode.duplicateInProcess;
}

/** The member as an object. */
export function asObject(value: Json | undefined): JsonObject | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return value as JsonObject;
}

/** The member as a finite number. */
export function asNumber(value: Json | undefined): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** The member as a string. */
export function asString(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function malformed(reason: string): ApiAnswer {
  const description = `malformed answer: ${reason}`;
  return { kind: "error", error: { status: 0, errCode: 0, description } };
}
