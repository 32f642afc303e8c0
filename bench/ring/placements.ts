/**
 * The placements that are no ring: rendezvous, jump hash, Maglev, and bounded load over any.
 *
 * The ring stands beside them, since the question is when to take which. Only jump hash has a peer
 * on npm with users and right answers; it counts in BigInt.
 */
import { jumpConsistentHash } from "@subspace/jump-consistent-hash";
import {
  boundedLoad,
  HashRing,
  JumpHash,
  jumpBucket,
  Maglev,
  murmur3,
  Rendezvous,
} from "@quorate/ring";

import {
  atLeastPerSecond,
  effortOf,
  race,
  type Speeds,
  speedTable,
  timesBestPeer,
} from "../harness/micro.ts";
import type { Claim, Section } from "../harness/report.ts";
import type { Measure } from "../harness/run.ts";
import { figure } from "../harness/table.ts";
import { coldKeys, medianMs, nodeNames } from "./lookups.ts";

const KEYS = coldKeys();
const MASK = KEYS.length - 1;
const SIZES = [10, 100, 1_000] as const;
/** What rendezvous must do a second at these sizes. */
const RENDEZVOUS_BARS = [8_900_000, 2_000_000, 340_000] as const;
const JUMP_BAR = 2_000_000;
const MAGLEV_BAR = 12_000_000;
const MAGLEV_BUILD_MS = 12;
const SHARDS = 1_000;

/** The sections of this file. */
export function placementTables(): readonly Measure[] {
  return [measurePlacements, measureJump, measureMaglev, measureBoundedLoad];
}

/** `owner()` of each placement at three sizes. */
const measurePlacements: Measure = async ({ quick }): Promise<Section> => {
  const races: Speeds[] = [];
  for (const size of SIZES) {
    const names = nodeNames(size);
    const uneven = names.map((id, index) => ({ id, weight: 1 + (index % 4) }));
    const placements = {
      HashRing: HashRing.of(names),
      Rendezvous: Rendezvous.of(names),
      "Rendezvous, weights 1 to 4": Rendezvous.of(uneven),
      JumpHash: JumpHash.of(size),
      Maglev: Maglev.of(names),
    };
    const contestants = Object.entries(placements).map(([name, placement]) => {
      return { name, run: (index: number) => placement.owner(KEYS[index & MASK] as string) };
    });
    races.push(await race(contestants, effortOf(quick)));
  }
  return {
    title: "The owner of a cold key, by placement",
    method: `${KEYS.length} different keys in turn. Medians of interleaved rounds.`,
    tables: races.map((speeds, index) => speedTable(`${SIZES[index]} nodes`, speeds)),
    claims: races.map((speeds, index) =>
      atLeastPerSecond({
        name: `rendezvous over ${SIZES[index]} nodes`,
        ours: "Rendezvous",
        bar: RENDEZVOUS_BARS[index] as number,
        speeds,
      }),
    ),
  };
};

/** Jump hash from a string and from 64 bits. */
const measureJump: Measure = async ({ quick }): Promise<Section> => {
  const shards = JumpHash.of(SHARDS);
  const bytes = KEYS.map((key) => Uint8Array.from(bytesOf(key)));
  const keys64 = bytes.map((eight) => Buffer.from(eight).readBigUInt64BE());
  const fromString = await race(
    [
      { name: "quorate", run: (index) => shards.owner(KEYS[index & MASK] as string) },
      {
        name: "@subspace/jump",
        run: (index) => jumpConsistentHash(bytesOf(KEYS[index & MASK] as string), SHARDS),
      },
    ],
    effortOf(quick),
  );
  const from64 = await race(
    [
      { name: "quorate", run: (index) => jumpBucket(keys64[index & MASK] as bigint, SHARDS) },
      {
        name: "@subspace/jump",
        run: (index) => jumpConsistentHash(bytes[index & MASK] as Uint8Array, SHARDS),
      },
    ],
    effortOf(quick),
  );
  return {
    title: "Jump hash",
    method:
      `${SHARDS} shards. The peer takes 8 bytes and no string; it is given those that ours makes ` +
      "of a string, by the same two hashes, in a buffer that is used again.",
    tables: [speedTable("from a string", fromString), speedTable("from 64 bits", from64)],
    claims: [
      atLeastPerSecond({
        name: `jump hash of a string over ${SHARDS} shards`,
        ours: "quorate",
        bar: JUMP_BAR,
        speeds: fromString,
      }),
      timesBestPeer({ name: "jump from a string", ours: "quorate", bar: 2, speeds: fromString }),
      timesBestPeer({ name: "jump from 64 bits", ours: "quorate", bar: 2, speeds: from64 }),
    ],
  };
};

/** Looking up in a table, and filling it. */
const measureMaglev: Measure = async ({ quick }): Promise<Section> => {
  const effort = effortOf(quick);
  const lookups = await race(
    SIZES.map((size) => {
      const placement = Maglev.of(nodeNames(size));
      return {
        name: `${size} nodes`,
        run: (index: number) => placement.owner(KEYS[index & MASK] as string),
      };
    }),
    effort,
  );
  const builds = await race(
    SIZES.map((size) => {
      const names = nodeNames(size);
      return { name: `${size} nodes`, run: () => Maglev.of(names) };
    }),
    effort,
  );
  const slowestMs = Math.max(...[...builds.values()].map((figures) => medianMs(figures)));
  const build: Claim = {
    name: "filling 65 537 slots for 10, 100 or 1000 nodes",
    bar: `≤ ${MAGLEV_BUILD_MS} ms`,
    measured: `${figure(slowestMs)} ms`,
    held: slowestMs <= MAGLEV_BUILD_MS,
  };
  return {
    title: "Maglev",
    method: "65 537 slots, the default.",
    tables: [speedTable("owner of a key", lookups), speedTable("a table", builds)],
    claims: [
      atLeastPerSecond({
        name: "Maglev over 1000 nodes",
        ours: "1000 nodes",
        bar: MAGLEV_BAR,
        speeds: lookups,
      }),
      build,
    ],
  };
};

/** A slot taken and given back, with 1,000 others held: the owner alone, and a key that is hot. */
const measureBoundedLoad: Measure = async ({ quick }): Promise<Section> => {
  const names = nodeNames(100);
  const contestants = [];
  for (const [name, placement] of Object.entries({
    HashRing: HashRing.of(names),
    Maglev: Maglev.of(names),
    Rendezvous: Rendezvous.of(names),
  })) {
    for (const hot of [false, true]) {
      const slots = boundedLoad(placement);
      for (const key of KEYS.slice(0, 1_000)) slots.acquire(hot ? "hot" : key);
      const run = (index: number): unknown => {
        const slot = slots.acquire(hot ? "hot" : (KEYS[index & MASK] as string));
        slot?.release();
        return slot;
      };
      contestants.push({ name: `${name}, ${hot ? "one hot key" : "cold keys"}`, run });
    }
  }
  const speeds = await race(contestants, effortOf(quick));
  return {
    title: "A slot under bounded load, taken and given back",
    method:
      "100 nodes, factor 1.25, 1,000 slots held throughout. For the hot key they were all taken " +
      "by that key, so its request walks past some 80 full nodes.",
    tables: [speedTable("acquire and release", speeds)],
    claims: [],
  };
};

/** Eight bytes, used again for every key. */
const eight = Buffer.alloc(8);

function bytesOf(key: string): Uint8Array {
  eight.writeUInt32BE(murmur3(key, 0x9747b28c), 0);
  eight.writeUInt32BE(murmur3(key), 4);
  return eight;
}
