/**
 * Listing: pages of each partition, merged in the order of the keys' bytes.
 */
import {
  checkCall,
  checkName,
  type CheckedCall,
  compareNames,
  type Entry,
  type ListOptions,
  positiveInteger,
} from "@quorate/core";
import type { Engine } from "../engine.ts";
import type { Partition } from "../partitions.ts";
import { decodeEntry, digitsAt } from "./kv-wire.ts";

/** Some entries of one partition, at one moment. */
export interface EntryPage {
  readonly entries: readonly Entry[];
  /** The partition's clock at that moment. */
  readonly clock: number;
  /** Lower bound of the next page; "" at the end. */
  readonly next: string;
}

/** What to read of a partition. */
export interface PageRequest extends CheckedCall {
  readonly partition: Partition;
  /** Empty, or ending in `/`. */
  readonly prefix: string;
  /** Entries of collections below too. */
  readonly deep: boolean;
  readonly from: string | undefined;
  readonly pageSize: number;
}

/** Reads one page. */
export async function readPage(engine: Engine, request: PageRequest): Promise<EntryPage> {
  const { partition, prefix, deep, from, pageSize, signal, timeoutMs } = request;
  const bytes = Buffer.byteLength(prefix);
  // '0' follows '/': everything that begins with the prefix lies below it.
  const upper = prefix === "" ? "+" : `(${prefix.slice(0, -1)}0`;
  const { value, sentMs } = await engine.link.run({
    operation: "kv.list",
    script: engine.scripts["kv-list"],
    keys: [partition.names, partition.clock, partition.expiries],
    args: [
      partition.prefix,
      from ?? (prefix === "" ? "-" : `(${prefix}`),
      upper,
      String(bytes),
      String(pageSize),
      deep ? "1" : "",
    ],
    buffers: true,
    read: true,
    signal,
    timeoutMs,
  });
  const [micros, clock, next, ...facts] = value as readonly Buffer[];
  if (micros !== undefined) engine.clocks.of(partition).learn(digitsAt(micros, 0), sentMs);
  const entries: Entry[] = [];
  for (let at = 0; at + 2 < facts.length; at += 3) {
    const [name, leftMs, entry] = facts.slice(at, at + 3) as unknown as [Buffer, number, Buffer];
    entries.push(decodeEntry(name.toString("utf8"), entry, leftMs));
  }
  return { entries, clock: Number(clock), next: next?.toString("utf8") ?? "" };
}

/** Entries of one collection, in order. */
export async function* listEntries(
  engine: Engine,
  collection: string,
  options: ListOptions | undefined,
): AsyncGenerator<Entry> {
  const call = checkCall(options, engine.bounds);
  const pageSize = positiveInteger("pageSize", options?.pageSize ?? 500);
  if (collection !== "") checkName("collection", collection);
  engine.lifecycle.assertOpen();
  const prefix = collection === "" ? "" : `${collection}/`;
  const sources = engine.partitions.all.map((partition) =>
    pagesOf(engine, { ...call, partition, prefix, deep: false, from: undefined, pageSize }),
  );
  const heads = await Promise.all(sources.map((source) => source.next()));
  for (;;) {
    let least = -1;
    for (const [index, head] of heads.entries()) {
      if (head.done === true) continue;
      const best = heads[least];
      if (best === undefined || best.done === true || precedes(head.value, best.value)) {
        least = index;
      }
    }
    const chosen = heads[least];
    const source = sources[least];
    if (chosen === undefined || source === undefined || chosen.done === true) return;
    yield chosen.value;
    heads[least] = await source.next();
  }
}

function precedes(left: Entry, right: Entry): boolean {
  return compareNames(left.key, right.key) < 0;
}

async function* pagesOf(engine: Engine, request: PageRequest): AsyncGenerator<Entry> {
  let from = request.from;
  do {
    request.signal?.throwIfAborted();
    const page = await readPage(engine, { ...request, from });
    yield* page.entries;
    from = page.next;
  } while (from !== "");
}
