/**
 * Looking up owners: on cold keys, of which there are more than any cache holds.
 *
 * hashring keeps its last 5,000 answers; asked for the same few keys again and again it reads a
 * cache, which is a good thing and not what is measured here. 131,072 different keys it must hash.
 */
import { atLeastPerSecond, effortOf, race, speedTable, timesBestPeer } from "../harness/micro.ts";
import { median, medianRatio } from "../harness/statistics.ts";
import { figure } from "../harness/table.ts";
import type { Claim, Section } from "../harness/report.ts";
import type { Measure } from "../harness/run.ts";
import { OURS, POINTS, RIVALS } from "./rivals.ts";

const KEYS = 2 ** 17;
const NODES = 100;
const OWNER_BAR = 8_000_000;
const HASHRING_BAR = 15;
const REPLICAS = 3;

const METHOD =
  `${NODES} nodes, ${POINTS} points each; ${KEYS} different keys, some 17 characters. ` +
  "Medians of interleaved rounds; ratios within a round.";

/** `owner()`. */
export const measureOwner: Measure = async ({ quick }): Promise<Section> => {
  const keys = coldKeys();
  const speeds = await race(
    RIVALS.map(({ name, build }) => {
      const ring = build(nodeNames(NODES));
      return { name, run: (index) => ring.owner(keys[index & (KEYS - 1)] as string) };
    }),
    effortOf(quick),
  );
  const ratio = medianRatio(speeds.get(OURS) ?? [], speeds.get("hashring") ?? []);
  const overHashring: Claim = {
    name: "owner() beside hashring",
    bar: `≥ ${HASHRING_BAR} × hashring`,
    measured: `${figure(ratio)} × hashring`,
    held: ratio >= HASHRING_BAR,
  };
  return {
    title: "The owner of a cold key",
    method: METHOD,
    tables: [speedTable("owner of a key", speeds)],
    remarks: ["consistent-hash and node-hashring answer fast, but not always right: see below."],
    claims: [
      atLeastPerSecond({ name: "owner()", ours: OURS, bar: OWNER_BAR, speeds }),
      overHashring,
      timesBestPeer({ name: "owner() beside all", ours: OURS, bar: 1, speeds }),
    ],
  };
};

/** `owners(key, 3)`. */
export const measureOwners: Measure = async ({ quick }): Promise<Section> => {
  const keys = coldKeys();
  const able = RIVALS.filter(({ knows }) => knows.owners);
  const speeds = await race(
    able.map(({ name, build }) => {
      const ring = build(nodeNames(NODES));
      return { name, run: (index) => ring.owners(keys[index & (KEYS - 1)] as string, REPLICAS) };
    }),
    effortOf(quick),
  );
  return {
    title: `The first ${REPLICAS} owners of a cold key`,
    method: METHOD,
    tables: [speedTable(`${REPLICAS} owners`, speeds)],
    claims: [timesBestPeer({ name: "owners()", ours: OURS, bar: 1, speeds })],
  };
};

/** `count` names of nodes, as short as real ones are. */
export function nodeNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `node-${index}`);
}

/** Keys of the kind that services have, no two alike. */
export function coldKeys(): string[] {
  return Array.from({ length: KEYS }, (_, index) => `user:${(index * 7_919) % 1_000_003}:cart`);
}

/** The middle figure as milliseconds of one operation. */
export function medianMs(speeds: readonly number[] | undefined): number {
  return 1_000 / median(speeds ?? []);
}
