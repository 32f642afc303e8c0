/**
 * Looking at leases: one name, or all below a prefix.
 *
 * A partition's names are collected first (a hash has no order), then their records are read page
 * by page. Memory is bounded by the names below the prefix.
 *
 * Does not guarantee a snapshot over names: each record is read as it stands.
 */
import {
  type CheckedCall,
  checkCall,
  checkName,
  checkTarget,
  compareNames,
  decodeName,
  encodeName,
  invalidArgument,
  isPrefix,
  type LeaseState,
  type ListOptions,
  matchesTarget,
  positiveInteger,
} from "@quorate/core";
import type { Engine } from "../engine.ts";
import type { Partition } from "../partitions.ts";
import { parseRecord, shownState } from "./wire.ts";

/** Records of some names of one partition, as they stand. */
export interface LeaseRecords {
  readonly serverMicros: number;
  /** The partition's clock. */
  readonly clock: number;
  readonly records: readonly { readonly name: string; readonly record: string }[];
}

/** How one name stands. */
export async function inspectLease(
  engine: Engine,
  name: string,
  call: CheckedCall,
): Promise<LeaseState> {
  checkName("name", name);
  const partition = engine.partitions.of(encodeName(name));
  const { serverMicros, records } = await readLeases(engine, partition, [name], call);
  return shownState(name, parseRecord(records[0]?.record ?? ""), serverMicros);
}

/** Reads records. */
export async function readLeases(
  engine: Engine,
  partition: Partition,
  names: readonly string[],
  call: CheckedCall,
): Promise<LeaseRecords> {
  const { value, sentMs } = await engine.link.run({
    operation: "leases.read",
    script: engine.scripts["lease-read"],
    keys: [partition.leases],
    args: names.map((name) => encodeName(name)),
    read: true,
    ...call,
  });
  const [micros, clock, ...records] = value as readonly string[];
  engine.clocks.of(partition).learn(Number(micros), sentMs);
  return {
    serverMicros: Number(micros),
    clock: Number(clock),
    records: names.map((name, index) => ({ name, record: records[index] ?? "" })),
  };
}

/** Names of one partition that match a target, in no order, and its clock when the look began. */
export async function leaseNames(
  engine: Engine,
  partition: Partition,
  target: string,
  call: CheckedCall,
): Promise<{ readonly names: readonly string[]; readonly clock: number }> {
  const names = new Set<string>();
  let cursor = "0";
  let began: number | undefined;
  do {
    const { value } = await engine.link.run({
      operation: "leases.list",
      script: engine.scripts["lease-names"],
      keys: [partition.leases],
      args: [cursor],
      read: true,
      ...call,
    });
    const [next, clock, ...fields] = value as readonly string[];
    began ??= Number(clock);
    for (const field of fields) {
      const name = decodeName(field);
      if (name !== undefined && matchesTarget(target, name)) names.add(name);
    }
    cursor = next ?? "0";
  } while (cursor !== "0");
  return { names: [...names], clock: began ?? 0 };
}

/** All names below `prefix` that are held or waited for, in order. */
export async function* listLeases(
  engine: Engine,
  prefix: string,
  options: ListOptions | undefined,
): AsyncGenerator<LeaseState> {
  const call = checkCall(options, engine.bounds);
  const pageSize = positiveInteger("pageSize", options?.pageSize ?? 500);
  checkTarget("prefix", prefix);
  if (!isPrefix(prefix)) throw invalidArgument("prefix", prefix, "empty, or ending in '/'");
  engine.lifecycle.assertOpen();
  const places: { readonly name: string; readonly partition: Partition }[] = [];
  for (const partition of engine.partitions.all) {
    const { names } = await leaseNames(engine, partition, prefix, call);
    for (const name of names) places.push({ name, partition });
  }
  places.sort((left, right) => compareNames(left.name, right.name));
  for (let from = 0; from < places.length; from += pageSize) {
    const page = places.slice(from, from + pageSize);
    const states = new Map<string, LeaseState>();
    for (const partition of new Set(page.map((place) => place.partition))) {
      const names = page.filter((place) => place.partition === partition).map(({ name }) => name);
      const { records, serverMicros } = await readLeases(engine, partition, names, call);
      for (const { name, record } of records) {
        states.set(name, shownState(name, parseRecord(record), serverMicros));
      }
    }
    for (const { name } of page) {
      const state = states.get(name);
      if (state === undefined) continue;
      if (state.holders.length > 0 || state.waiters.length > 0) yield state;
    }
  }
}
