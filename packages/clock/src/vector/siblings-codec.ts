/**
 * Siblings as a stored record: `[1, [["r1", 5, [e, d]], ["r2", 1, []]]]`, in JSON.
 *
 * The first 1 is the version of the form. Whoever reads a record of a version that it does not know
 * refuses it, so that a new form can be introduced without an old reader damaging it.
 */
import { invalidArgument, type Json, parseJson, positiveInteger } from "@quorate/core";
import type { QuorateError } from "@quorate/core";

import { checkNodeId, type NodeId } from "../node-id.ts";
import type { Row, Rows } from "./siblings-rows.ts";

const VERSION = 1;
const DEFAULT_MAX_BYTES = 1_048_576;
const MAX_NODES = 100_000;

/** How values of a key become JSON and come back. */
export interface ValueCodec<T> {
  /** The value as JSON. */
  encode(value: T): Json;
  /** Reverses `encode`; throws for what it never makes. Objects have no prototype. */
  decode(json: Json): T;
}

/** Values that are JSON already. */
export const jsonValues: ValueCodec<Json> = {
  encode: (value) => value,
  decode: (json) => json,
};

/** Bound of a record to decode. */
export interface SiblingsDecodeOptions {
  /** Longest record, in bytes of UTF-8. @default 1048576 */
  readonly maxBytes?: number;
}

/** The rows as one string. */
export function encodeSiblings<T>(rows: Rows<T>, codec: ValueCodec<T>): string {
  const cells = rows.map(({ replica, counter, values }) => {
    return [replica, counter, values.map((value) => codec.encode(value))];
  });
  return JSON.stringify([VERSION, cells]);
}

/** Rows of what somebody's `encodeSiblings` made. */
export function decodeSiblings<T>(
  text: string,
  codec: ValueCodec<T>,
  maxBytes: number = DEFAULT_MAX_BYTES,
): Rows<T> {
  positiveInteger("maxBytes", maxBytes);
  if (typeof text !== "string") throw invalidArgument("text", text, "a string");
  const parsed = parseJson(text, { maxBytes, maxNodes: MAX_NODES });
  if (!parsed.ok) throw invalidArgument("text", text, `a record of siblings (${parsed.reason})`);
  const [version, cells, ...more] = listOf(text, parsed.value);
  if (version !== VERSION || more.length > 0) throw malformed(text, `not of version ${VERSION}`);
  const rows = listOf(text, cells).map((cell) => rowOf(text, cell, codec));
  for (const [index, row] of rows.entries()) {
    const before = rows[index - 1];
    if (before !== undefined && before.replica >= row.replica) {
      throw malformed(text, "replicas do not ascend");
    }
  }
  return rows;
}

function rowOf<T>(text: string, cell: Json, codec: ValueCodec<T>): Row<T> {
  const [replica, counter, values, ...more] = listOf(text, cell);
  if (more.length > 0) throw malformed(text, "a row has three parts");
  const alive = listOf(text, values);
  if (!Number.isSafeInteger(counter) || (counter as number) < 1) {
    throw malformed(text, "a counter is no safe integer > 0");
  }
  if (alive.length > (counter as number)) throw malformed(text, "more values than writes");
  checkNodeId("replica", replica as NodeId);
  return {
    replica: replica as NodeId,
    counter: counter as number,
    values: alive.map((json) => codec.decode(json)),
  };
}

function listOf(text: string, json: Json | undefined): readonly Json[] {
  if (Array.isArray(json)) return json as readonly Json[];
  throw malformed(text, "a list is missing");
}

function malformed(text: string, why: string): QuorateError<"INVALID_ARGUMENT"> {
  return invalidArgument("text", text, `a record of siblings (${why})`);
}
