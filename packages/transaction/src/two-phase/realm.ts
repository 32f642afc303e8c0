/**
 * Realms: which store knows the decisions.
 *
 * A random word, written once into the store and put into the name of every branch. "No record, so
 * it aborted" is true only in the store that would have the record: a process that is pointed at
 * another one, or at one that was emptied, finds another realm, and leaves the branch alone.
 */
import { type Backend, invariant, type PutResult, QuorateError } from "@quorate/core";
import { isHex, REALM_LENGTH } from "./branch.ts";

const COLLECTION = "two-phase-realms";

/** The realm of `name` in this store; makes it if nobody has. */
export async function realmOf(backend: Backend, name: string): Promise<string> {
  const key = `${COLLECTION}/${name}`;
  const entry = await backend.kv.get(key);
  if (entry !== undefined) return read(key, entry.value);
  const fresh = hex(backend.runtime.random.bytes(REALM_LENGTH / 2));
  let put: PutResult;
  try {
    put = await backend.kv.put(key, fresh, { expect: "absent" });
  } catch (error) {
    // Whether or not it landed, the next look says which one counts.
    const found = await backend.kv.get(key);
    if (found === undefined) throw error;
    return read(key, found.value);
  }
  const winner = put.ok ? put.entry : put.current;
  invariant(winner !== undefined, "a realm is never removed");
  return read(key, winner.value);
}

/** Bytes as hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function read(key: string, value: Uint8Array): string {
  const text = Buffer.from(value).toString("utf8");
  if (isHex(text, REALM_LENGTH)) return text;
  const reason = "it is no realm";
  const message = `${key} was left as it is: ${reason}`;
  throw new QuorateError("RECORD_INVALID", message, { effect: "none", details: { key, reason } });
}
