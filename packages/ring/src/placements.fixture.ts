/**
 * Every placement by name, for the laws that all of them keep, and the nodes and keys that break
 * careless code.
 */
import { HashRing } from "./hash-ring.ts";
import { JumpHash } from "./jump-hash.ts";
import { Maglev } from "./maglev.ts";
import type { NodeLike, Placement } from "./placement.ts";
import { Rendezvous } from "./rendezvous.ts";

/** Those that take weights and nodes in any order; Maglev with a table that is quick to fill. */
export const FREE_PLACEMENTS: Readonly<Record<string, (nodes: Iterable<NodeLike>) => Placement>> = {
  HashRing: (nodes) => HashRing.of(nodes),
  Rendezvous: (nodes) => Rendezvous.of(nodes),
  Maglev: (nodes) => Maglev.of(nodes, { tableSize: 1_021 }),
};

/** All of them. */
export const PLACEMENTS: Readonly<Record<string, (nodes: Iterable<NodeLike>) => Placement>> = {
  ...FREE_PLACEMENTS,
  JumpHash: (nodes) => JumpHash.of(nodes),
};

/** Ids that a careless map, separator or encoding would confuse. */
export const HOSTILE_IDS: readonly string[] = [
  "__proto__",
  "constructor",
  "toString",
  "a",
  "a#1",
  "a#11",
  "node1",
  "node11",
  "1",
  "11",
  " ",
  "\0",
  "💥",
  "é",
  "e\u0301",
  "\uffff",
  "x".repeat(10_000),
];

/** Keys of the same kind; a key may be empty and ill-formed too. */
export const HOSTILE_KEYS: readonly string[] = [
  ...HOSTILE_IDS,
  "",
  "#1",
  "\ud800",
  "\udc00",
  "a\ud83d",
  "\ufffd",
];
