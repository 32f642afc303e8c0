/**
 * Entries on the wire: `revision16 created16`, two digits of the operation id's length, the id,
 * the value's bytes.
 */
import type { Entry, Ms } from "@quorate/core";
import { foreignRecord } from "../errors.ts";

const DIGITS = 16;
const HEAD = 2 * DIGITS + 2;
const OPERATION_ID = /^[0-9A-Za-z_-]{1,64}$/;

/** A revision in 16 digits. */
export function encodeRevision(revision: number): string {
  return String(revision).padStart(DIGITS, "0");
}

/** Number in the 16 digits at `at`. */
export function digitsAt(bytes: Buffer, at: number): number {
  return Number(bytes.toString("latin1", at, at + DIGITS));
}

/** Reads an entry; `leftMs` below zero means for ever. Throws `RECORD_INVALID`. */
export function decodeEntry(key: string, bytes: Buffer, leftMs: Ms): Entry {
  const revision = digitsAt(bytes, 0);
  const createdRevision = digitsAt(bytes, DIGITS);
  const length = Number(bytes.toString("latin1", 2 * DIGITS, HEAD));
  const operationId = bytes.toString("latin1", HEAD, HEAD + length);
  const sound = isPosition(revision) && isPosition(createdRevision);
  if (!sound || !OPERATION_ID.test(operationId)) {
    throw foreignRecord(key, "its head is not one of ours");
  }
  return {
    key,
    value: new Uint8Array(bytes.subarray(HEAD + length)),
    revision,
    createdRevision,
    operationId,
    ...(leftMs < 0 ? {} : { expiresInMs: leftMs }),
  };
}

function isPosition(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}
