/**
 * A cancel on the wire: whose call, and which. Told to all instances, because a caller of the
 * queue does not know which of them has it; whoever has not, forgets it.
 */
import { MAX_CLIENT_CHARACTERS } from "./request.ts";
import { isCount, isText, readFields, WIRE_VERSION, writeFields } from "./text.ts";

/** A cancel is short; anything longer is none. */
const MAX_BYTES = 512;

/** Names one call. */
export interface WireCancel {
  readonly client: string;
  readonly id: number;
}

/** The cancel as bytes. */
export function encodeCancel({ client, id }: WireCancel): Uint8Array {
  return writeFields({ v: WIRE_VERSION, c: client, id });
}

/** Reads a cancel; `undefined` for what is none. */
export function decodeCancel(bytes: Uint8Array): WireCancel | undefined {
  const fields = readFields(bytes, MAX_BYTES);
  if (fields === undefined) return undefined;
  const { c: client, id } = fields;
  return isText(client, MAX_CLIENT_CHARACTERS) && isCount(id) ? { client, id } : undefined;
}
