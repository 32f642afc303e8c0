/**
 * Making a ring and changing it: what a process pays at its start and at each change of members.
 */
import { HashRing } from "@quorate/ring";

import { effortOf, race, type Speeds, speedTable } from "../harness/micro.ts";
import type { Claim, Section } from "../harness/report.ts";
import type { Measure } from "../harness/run.ts";
import { medianRatio } from "../harness/statistics.ts";
import { figure } from "../harness/table.ts";
import { medianMs, nodeNames } from "./lookups.ts";
import { OURS, POINTS, RIVALS } from "./rivals.ts";

const MANY = 1_000;
const FEW = 100;
const BUILD_BAR_MS = 12;
const BUILD_RATIO = 10;
const CHANGE_BAR_MS = 4;

/** A ring of 1,000 nodes from nothing. */
export const measureBuild: Measure = async ({ quick }): Promise<Section> => {
  // ketama sorts all points again for every node that is added: minutes at this size.
  const large = RIVALS.filter(({ name }) => name !== "ketama");
  const speeds = await buildAll(large, MANY, quick);
  const small = await buildAll(RIVALS, FEW, quick);
  const peers = large.filter(({ name }) => name !== OURS);
  const ratio = Math.min(
    ...peers.map(({ name }) => medianRatio(speeds.get(OURS) ?? [], speeds.get(name) ?? [])),
  );
  return {
    title: "Building a ring",
    method: `${POINTS} points a node, from a list of names to the first look-up.`,
    tables: [speedTable(`${MANY} nodes`, speeds), speedTable(`${FEW} nodes`, small)],
    claims: [
      atMostMs(`building ${MANY} × ${POINTS}`, BUILD_BAR_MS, medianMs(speeds.get(OURS))),
      {
        name: "building beside the fastest peer",
        bar: `≥ ${BUILD_RATIO} × the best peer`,
        measured: `${figure(ratio)} ×`,
        held: ratio >= BUILD_RATIO,
      },
    ],
  };
};

/** A node joins 1,000 others and leaves again. */
export const measureChange: Measure = async ({ quick }): Promise<Section> => {
  const ring = HashRing.of(nodeNames(MANY), { points: POINTS });
  const larger = ring.with("newcomer");
  const large = RIVALS.filter(({ name }) => name !== "ketama");
  const own = await race(
    [
      { name: "with()", run: () => ring.with("newcomer") },
      { name: "without()", run: () => ring.without("node-500") },
      { name: "with() another weight", run: () => ring.with({ id: "node-500", weight: 2 }) },
      { name: "moved(next)", run: () => ring.moved(larger) },
      { name: "plan(next)", run: () => ring.plan(larger) },
    ],
    effortOf(quick),
  );
  const both = await race(
    large.map(({ name, build }) => {
      let current = build(nodeNames(MANY));
      const run = (): unknown => (current = current.join("newcomer", 1).leave("newcomer"));
      return { name, run };
    }),
    effortOf(quick),
  );
  return {
    title: "A node joins a thousand, and leaves",
    method:
      `${MANY} nodes, ${POINTS} points each. Ours makes a new ring and keeps the old one whole; ` +
      "the others change theirs in place, so a look-up in between sees neither.",
    tables: [speedTable(`of ${OURS}`, own), speedTable("join and leave", both)],
    remarks: [
      "node-hashring splices its points into a sorted array: faster than our two new rings, " +
        "and where two points collide, leaving takes away the other node's (see unanswered).",
    ],
    claims: ["with()", "without()"].map((call) =>
      atMostMs(`${call} at ${MANY} × ${POINTS}`, CHANGE_BAR_MS, medianMs(own.get(call))),
    ),
  };
};

function buildAll(rivals: typeof RIVALS, count: number, quick: boolean): Promise<Speeds> {
  const names = nodeNames(count);
  return race(
    rivals.map(({ name, build }) => ({ name, run: () => build(names) })),
    effortOf(quick),
  );
}

function atMostMs(name: string, barMs: number, measuredMs: number): Claim {
  const measured = `${figure(measuredMs)} ms`;
  return { name, bar: `≤ ${barMs} ms`, measured, held: measuredMs <= barMs };
}
