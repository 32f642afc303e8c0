/**
 * Vector clocks beside `vectorclock` and `@thi.ng/vclock`, the two that npm has users of.
 *
 * Both peers keep counts in a plain object and walk the union of its keys, and both answer 0 for
 * equal and for concurrent alike; ours tells them apart. Pairs are of the kinds that systems meet,
 * in equal parts: equal, before, after and concurrent, so that nobody is helped by an early exit.
 */
import * as thi from "@thi.ng/vclock";
import { VectorClock } from "@quorate/clock";
import vectorclock from "vectorclock";

import {
  type Contestant,
  effortOf,
  race,
  type Speeds,
  speedTable,
  timesBestPeer,
} from "../harness/micro.ts";
import type { Claim, Section } from "../harness/report.ts";
import type { Measure } from "../harness/run.ts";
import type { Table } from "../harness/table.ts";

type Plain = Record<string, number>;

const SIZES = [3, 10, 100];
const PAIRS = 64;
const COMPARE_BAR = 7;
const APART_BAR = 3;
const MERGE_BAR = 3;
const OURS = "quorate";
const METHOD =
  `${PAIRS} pairs of clocks over the same nodes: a quarter equal, before, after, concurrent. ` +
  "Medians of interleaved rounds; ratios within a round.";

/** Compare: the four answers against the peers' three numbers. */
export const measureCompare: Measure = ({ quick }) =>
  bySize("Compare two vector clocks", METHOD, COMPARE_BAR, quick, (pairs) => {
    const clocks = pairs.map(([a, b]) => [VectorClock.of(a), VectorClock.of(b)] as const);
    return [
      [OURS, (index) => at(clocks, index)[0].compare(at(clocks, index)[1])],
      ["@thi.ng/vclock", (index) => thi.compare(...at(pairs, index))],
      ["vectorclock", (index) => vectorclock.compare(...at(pairs, index))],
    ];
  });

/** Compare where the nodes differ: ids have to be compared, and to the end. */
export const measureApart: Measure = ({ quick }) => {
  const method =
    "One clock has not heard of every second node of the other and is equal in the rest: it is " +
    "before the other, which nobody knows until the last entry.";
  return bySize("Compare vector clocks of different nodes", method, APART_BAR, quick, (pairs) => {
    const apart = pairs.map(([a]): Pair => [everySecond(a), a]);
    const clocks = apart.map(([a, b]) => [VectorClock.of(a), VectorClock.of(b)] as const);
    return [
      [OURS, (index) => at(clocks, index)[0].compare(at(clocks, index)[1])],
      ["@thi.ng/vclock", (index) => thi.compare(...at(apart, index))],
      ["vectorclock", (index) => vectorclock.compare(...at(apart, index))],
    ];
  });
};

/** Merge: a new value with the larger counts. */
export const measureMerge: Measure = ({ quick }) =>
  bySize("Merge two vector clocks", METHOD, MERGE_BAR, quick, (pairs) => {
    const clocks = pairs.map(([a, b]) => [VectorClock.of(a), VectorClock.of(b)] as const);
    return [
      [OURS, (index) => at(clocks, index)[0].merge(at(clocks, index)[1])],
      ["@thi.ng/vclock", (index) => thi.merge(...at(pairs, index))],
      ["vectorclock", (index) => vectorclock.merge(...at(pairs, index))],
    ];
  });

/** What a receiver does: read the message's clock, then compare it with its own. */
export const measureWire: Measure = ({ quick }) => {
  const method =
    "The stamp arrives as text and is compared once with a clock in memory. Ours checks what it " +
    "reads (ids, counts, order, duplicates, bounds); the peers have no encoding, so JSON.parse " +
    "stands in for one, and checks nothing.";
  return bySize("Read a stamp from the wire and compare it", method, 1, quick, (pairs) => {
    const own = pairs.map(([, b]) => VectorClock.of(b));
    const texts = pairs.map(([a]) => VectorClock.of(a).encode());
    const jsons = pairs.map(([a]) => JSON.stringify(a));
    const parsed = (index: number): Plain => JSON.parse(at(jsons, index)) as Plain;
    return [
      [OURS, (index) => VectorClock.decode(at(texts, index)).compare(at(own, index))],
      ["@thi.ng/vclock", (index) => thi.compare(parsed(index), at(pairs, index)[1])],
      ["vectorclock", (index) => vectorclock.compare(parsed(index), at(pairs, index)[1])],
    ];
  });
};

async function bySize(
  title: string,
  method: string,
  bar: number,
  quick: boolean,
  contestantsFor: (pairs: Pair[]) => [name: string, run: Contestant["run"]][],
): Promise<Section> {
  const tables: Table[] = [];
  const claims: Claim[] = [];
  for (const size of SIZES) {
    const contestants = contestantsFor(pairsOf(size)).map(([name, run]) => ({ name, run }));
    const speeds: Speeds = await race(contestants, effortOf(quick));
    tables.push(speedTable(`${size} entries`, speeds));
    const name = `${title.toLowerCase()}, ${size} entries`;
    claims.push(timesBestPeer({ name, ours: OURS, bar, speeds }));
  }
  return { title, method, tables, claims };
}

type Pair = [Plain, Plain];

/** Pairs of clocks over the same `size` nodes, a quarter of each kind. */
function pairsOf(size: number): Pair[] {
  return Array.from({ length: PAIRS }, (_, pair) => {
    const left: Plain = {};
    const right: Plain = {};
    for (let node = 0; node < size; node++) {
      const count = 1 + ((node * 7 + pair * 13) % 900);
      left[`node-${node}`] = count;
      right[`node-${node}`] = count;
    }
    const last = `node-${size - 1}`;
    if (pair % 4 === 1 || pair % 4 === 3) right[last] = (right[last] ?? 0) + 1;
    if (pair % 4 === 2) left[last] = (left[last] ?? 0) + 1;
    if (pair % 4 === 3) left["node-1"] = (left["node-1"] ?? 0) + 1;
    return [left, right];
  });
}

function everySecond(plain: Plain): Plain {
  return Object.fromEntries(Object.entries(plain).filter((_, index) => index % 2 === 0));
}

function at<T>(items: readonly T[], index: number): T {
  return items[index & (PAIRS - 1)] as T;
}
