/**
 * Whether the answers are right: who moves too much, who disagrees with himself, who has no answer.
 *
 * Speed is worth nothing where two processes send one key to two nodes. Everything here is counted
 * over the same keys, and nothing depends on how busy the machine is.
 */
import { HashRing } from "@quorate/ring";

import type { Claim, Section } from "../harness/report.ts";
import type { Measure } from "../harness/run.ts";
import { figure } from "../harness/table.ts";
import { coldKeys, nodeNames } from "./lookups.ts";
import { OURS, type Rival, RIVALS } from "./rivals.ts";

const NODES = 10;
const WEIGHT = 2;
const IDEAL = WEIGHT / (NODES + WEIGHT);
const SPREAD_CLUSTERS = 40;
const SPREAD_TOLERANCE = 0.15;

interface Counted {
  readonly moved: number;
  readonly needless: number;
  readonly disagreeing: number;
}

/** A node of weight 2 joins ten; and a second process builds the same ring. */
export const measureMovement: Measure = ({ quick }): Promise<Section> => {
  const keys = coldKeys().slice(0, quick ? 20_000 : 100_000);
  const counted = RIVALS.map((rival) => ({ rival, counts: count(rival, keys) }));
  const missing = RIVALS.filter(({ name }) => name !== "ketama").map((rival) => ({
    name: rival.name,
    unanswered: unanswered(rival),
  }));
  const rows = counted.map(({ rival: { name, knows }, counts }) => [
    name,
    knows.weights ? `${figure(counts.moved * 100)} %` : "no weights",
    knows.weights ? `${figure(counts.needless * 100)} %` : "–",
    `${figure(counts.disagreeing * 100)} %`,
    missing.find((one) => one.name === name)?.unanswered ?? "not tried",
  ]);
  const ours = counted[0]?.counts;
  return Promise.resolve({
    title: "What moves, and who agrees",
    method:
      `A node of weight ${WEIGHT} joins ${NODES}: ${figure(IDEAL * 100)} % should move, ` +
      `all to the newcomer. ${keys.length} keys. Two builds: the same nodes in reverse order, ` +
      "as another process may have heard of them. Unanswered: of a million keys on 1,000 nodes, " +
      "those for which the library names no node at all.",
    tables: [
      {
        head: ["library", "moved", "between old nodes", "two builds differ", "unanswered"],
        rows,
      },
    ],
    claims: [
      claimZero("keys moved between old nodes", ours?.needless),
      claimZero("keys on which two builds differ", ours?.disagreeing),
    ],
  });
};

/** How even the loads are, beside what theory says of random points. */
export const measureSpread: Measure = ({ quick }): Promise<Section> => {
  const sizes = [
    [3, 160],
    [10, 160],
    [100, 40],
    [100, 160],
    [100, 1_000],
  ] as const;
  const found = sizes.map(([nodes, points]) => {
    const clusters = quick ? SPREAD_CLUSTERS / 4 : SPREAD_CLUSTERS;
    return { nodes, points, ...spread(nodes, points, Math.ceil((clusters * 20) / nodes) + 10) };
  });
  return Promise.resolve({
    title: "How even the loads are",
    method: "Exact shares over many rings of different node names; no keys are sampled.",
    tables: [
      {
        head: ["nodes × points", "deviation", "theory", "fullest ÷ average"],
        rows: found.map(({ nodes, points, deviation, theory, fullest }) => [
          `${nodes} × ${points}`,
          `${figure(deviation * 100)} %`,
          `${figure(theory * 100)} %`,
          figure(fullest),
        ]),
      },
    ],
    claims: found.map(({ nodes, points, deviation, theory }) => ({
      name: `deviation of loads, ${nodes} × ${points}`,
      bar: `within ${SPREAD_TOLERANCE * 100} % of √((n−1)/(n·v+1))`,
      measured: `${figure((deviation / theory - 1) * 100)} % off`,
      held: Math.abs(deviation / theory - 1) <= SPREAD_TOLERANCE,
    })),
  });
};

function count({ build, knows }: Rival, keys: readonly string[]): Counted {
  const names = nodeNames(NODES);
  const before = keys.map(
    (
      (ring) => (key: string) =>
        ring.owner(key)
    )(build(names)),
  );
  const again = build(names.toReversed());
  const disagreeing = keys.filter((key, index) => again.owner(key) !== before[index]).length;
  if (!knows.weights) return { moved: 0, needless: 0, disagreeing: disagreeing / keys.length };
  const joined = build(names);
  const old = keys.map((key) => joined.owner(key));
  const next = joined.join("newcomer", WEIGHT);
  const moves = keys.flatMap((key, index) => {
    const to = next.owner(key);
    return to === old[index] ? [] : [to];
  });
  const needless = moves.filter((to) => to !== "newcomer").length;
  const [all, moved] = [keys.length, moves.length];
  return { moved: moved / all, needless: needless / all, disagreeing: disagreeing / all };
}

/** Keys without an owner on a thousand nodes, of a million. */
function unanswered({ build }: Rival): string {
  const ring = build(nodeNames(1_000));
  let none = 0;
  for (let key = 0; key < 1_000_000; key++) if (!ring.owner(`k${key}`)) none += 1;
  return none === 0 ? "none" : `${none} of 1 M`;
}

function spread(
  nodes: number,
  points: number,
  clusters: number,
): { deviation: number; theory: number; fullest: number } {
  let squares = 0;
  let fullest = 0;
  for (let cluster = 0; cluster < clusters; cluster++) {
    const names = nodeNames(nodes).map((name) => `${cluster}/${name}`);
    const ring = HashRing.of(names, { points });
    const shares = names.map((name) => ring.share(name) * nodes);
    squares += shares.reduce((sum, share) => sum + (share - 1) ** 2, 0);
    fullest += Math.max(...shares);
  }
  return {
    deviation: Math.sqrt(squares / (clusters * nodes)),
    theory: Math.sqrt((nodes - 1) / (nodes * points + 1)),
    fullest: fullest / clusters,
  };
}

function claimZero(name: string, measured: number | undefined): Claim {
  const shown = measured === undefined ? "nothing" : `${figure(measured * 100)} %`;
  return { name: `${OURS}: ${name}`, bar: "0 %", measured: shown, held: measured === 0 };
}
