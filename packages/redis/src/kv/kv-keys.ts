/**
 * The keys that a script on one entry declares, in the order of `lua/kv-head.lua`.
 */
import { encodeName } from "@quorate/core";
import { entryKey, type Partition, type Partitions } from "../partitions.ts";

/** Where an entry lives. */
export interface EntryPlace {
  readonly partition: Partition;
  readonly key: string;
  /** Entry, clock, watch flag, names, expiries. */
  readonly keys: readonly string[];
}

/** The place of `name`. */
export function placeOf(partitions: Partitions, name: string): EntryPlace {
  const encoded = encodeName(name);
  const partition = partitions.of(encoded);
  const key = entryKey(partition, encoded);
  const { clock, watched, names, expiries } = partition;
  return { partition, key, keys: [key, clock, watched, names, expiries] };
}

/** Arguments that every script on one entry begins with. */
export function head(
  place: EntryPlace,
  latestMicros: number,
  write: { readonly key: string; readonly operationId: string },
): readonly string[] {
  const { partition } = place;
  const notAfter = latestMicros === 0 ? "" : String(latestMicros);
  return [partition.prefix, notAfter, write.key, write.operationId];
}
