/**
 * Reading: one entry, or several of one partition at one moment; then names whose retention is over
 * are forgotten, too.
 */
import type { CheckedCall, Entry } from "@quorate/core";
import type { Engine } from "../engine.ts";
import type { Partition } from "../partitions.ts";
import { placeOf } from "./kv-keys.ts";
import { decodeEntry, digitsAt } from "./kv-wire.ts";

/** How the keys stand. */
export interface ReadKeys {
  readonly found: ReadonlyMap<string, Entry>;
  /** The partition's clock at that moment. */
  readonly clock: number;
}

/** Reads `keys`, which all belong to `partition`. */
export async function readKeys(
  engine: Engine,
  partition: Partition,
  keys: readonly string[],
  call: CheckedCall,
): Promise<ReadKeys> {
  const { clock, watched, names, expiries } = partition;
  const { value, sentMs } = await engine.link.run({
    operation: "kv.read",
    script: engine.scripts["kv-read"],
    keys: [clock, watched, names, expiries],
    args: [partition.prefix, ...keys],
    buffers: true,
    read: true,
    ...call,
  });
  const [micros, last, ...facts] = value as readonly Buffer[];
  engine.clocks.of(partition).learn(Number(micros), sentMs);
  const found = new Map<string, Entry>();
  for (const [index, key] of keys.entries()) {
    const leftMs = Number(facts[2 * index]);
    const bytes = facts[2 * index + 1];
    if (leftMs === -2 || bytes === undefined || bytes.length === 0) continue;
    found.set(key, decodeEntry(key, bytes, leftMs));
  }
  return { found, clock: Number(last) };
}

/** Reads one entry. */
export async function readEntry(
  engine: Engine,
  key: string,
  call: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<Entry | undefined> {
  const place = placeOf(engine.partitions, key);
  const { value, sentMs } = await engine.link.run({
    operation: "kv.get",
    script: engine.scripts["kv-get"],
    keys: [place.key],
    args: [],
    buffers: true,
    read: true,
    key,
    ...call,
  });
  if (value === null) return undefined;
  const [micros, bytes, leftMs] = value as readonly [Buffer, Buffer, number];
  engine.clocks.of(place.partition).learn(digitsAt(micros, 0), sentMs);
  return decodeEntry(key, bytes, leftMs);
}
