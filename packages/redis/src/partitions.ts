/**
 * Where things lie: keys and channels of one namespace, spread over partitions.
 *
 * Each partition has a hash tag, `{namespace/p}`, so that everything one script touches shares a
 * cluster slot, and the partitions spread over the nodes. Names go into keys by `encodeName` only,
 * behind the tag: whatever braces, blanks or globs they hold, they cannot reach outside.
 *
 * All processes of a namespace must agree on the number of partitions.
 */
import { encodeName } from "@quorate/core";
import { slotOf } from "./slots.ts";

/** Keys and channels of one partition. */
export interface Partition {
  readonly index: number;
  /** `{namespace/p}`: the beginning of every key and channel. */
  readonly prefix: string;
  /** Its slot in a cluster. */
  readonly slot: number;
  /** Hash of the leases. */
  readonly leases: string;
  /** Last revision of kv. */
  readonly clock: string;
  /** There while somebody watches kv. */
  readonly watched: string;
  /** Names of the keys, in lexical order. */
  readonly names: string;
  /** Names by the end of their retention. */
  readonly expiries: string;
  /** Channel of kv's changes. */
  readonly changes: string;
  /** Channel of the leases' changes. */
  readonly leaseChanges: string;
}

/** The partitions of one namespace. */
export class Partitions {
  readonly all: readonly Partition[];
  /** The namespace as it stands in keys. */
  readonly namespace: string;

  constructor(namespace: string, count: number) {
    this.namespace = encodeName(namespace);
    this.all = Array.from({ length: count }, (_, index) => partition(this.namespace, index));
  }

  /** The partition of an encoded name. */
  of(encoded: string): Partition {
    const { all } = this;
    const index = all.length === 1 ? 0 : hash(encoded) % all.length;
    // `all` is never empty: the count was checked.
    return all[index] as Partition;
  }
}

/** Key of an entry. */
export function entryKey(of: Partition, encoded: string): string {
  return `${of.prefix}k:${encoded}`;
}

/** Channel on which one process hears what concerns it alone; also its liveness key. */
export function inboxKey(of: Partition, inbox: string): string {
  return `${of.prefix}!${inbox}`;
}

function partition(namespace: string, index: number): Partition {
  const prefix = `{${namespace}/${index}}`;
  return {
    index,
    prefix,
    slot: slotOf(prefix),
    leases: `${prefix}l`,
    clock: `${prefix}c`,
    watched: `${prefix}w`,
    names: `${prefix}i`,
    expiries: `${prefix}x`,
    changes: `${prefix}ev`,
    leaseChanges: `${prefix}le`,
  };
}

/** FNV-1a, 32 bits: small, even, and the same in every version to come. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  return value >>> 0;
}
