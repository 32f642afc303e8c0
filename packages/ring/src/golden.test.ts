/**
 * What a release must never change: where keys are. A fleet is upgraded one process at a time, and
 * two versions that differ here send one key to two nodes. If this fails, the change needs another
 * algorithm's name ("rendezvous/2"), so that fingerprints differ too, and a way to migrate.
 *
 * The values are this library's own, written down when it was first released.
 */
import { describe, expect, it } from "vitest";
import { DirectoryMap } from "./directory-map.ts";
import { HashRing } from "./hash-ring.ts";
import { JumpHash } from "./jump-hash.ts";
import { Maglev } from "./maglev.ts";
import { RangeMap } from "./range-map.ts";
import { Rendezvous } from "./rendezvous.ts";

const EVEN = ["a", "b", "c", "d", "e"];
const UNEVEN = ["a", "b", { id: "c", weight: 2 }, { id: "d", weight: 0.5 }, "e"];
const KEYS = ["user:42", "", "__proto__", "é💥", "order/2026-11-21"];

describe("owners, now and in every later version", () => {
  it.each([
    ["HashRing", HashRing.of(UNEVEN), "bcade ecdba cdeab bcaed dbcea"],
    ["Rendezvous", Rendezvous.of(UNEVEN), "cbdae becad cdbea abecd bcead"],
    ["Rendezvous, equal weights", Rendezvous.of(EVEN), "cbdae becad cdbea abedc becda"],
    ["Maglev", Maglev.of(UNEVEN), "cbead edcba baced daceb baced"],
    ["JumpHash", JumpHash.of(EVEN), "cdbae acedb cbaed deacb dabec"],
  ])("are the same on %s", (_, placement, expected) => {
    expect(KEYS.map((key) => placement.owners(key, 5).join("")).join(" ")).toBe(expected);
  });
});

describe("fingerprints, now and in every later version", () => {
  it.each([
    ["HashRing", HashRing.of(UNEVEN), "6e819c1895f76a3b372eb56a0c8f14e9"],
    ["Rendezvous", Rendezvous.of(UNEVEN), "d8f885a23cbecb7f868f4afedd966488"],
    ["Maglev", Maglev.of(UNEVEN), "015d08859af2b67c1b1585dee55f7b9d"],
    ["JumpHash", JumpHash.of(EVEN), "e816a9efcfe09a307187c028029a3703"],
    [
      "RangeMap",
      RangeMap.of("a").split("m").move({ from: "m", to: undefined }, "b"),
      "89301462e478adfeb2600e49dcb37ba8",
    ],
    [
      "DirectoryMap",
      DirectoryMap.of([["x", "a"]], { fallback: RangeMap.of("b") }),
      "090c4352982a4d5fff9a875265b6e7c6",
    ],
  ])("are the same of %s", (_, placement, expected) => {
    expect(placement.fingerprint).toBe(expected);
  });
});
