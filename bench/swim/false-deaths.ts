/**
 * Forty members for twenty minutes: who is buried alive, and how soon a real death is known.
 */
import {
  PacketWorld,
  type WorldNode,
} from "../../packages/membership/src/swim/packet-world.fixture.ts";
import type { Section } from "../harness/report.ts";
import type { Measure } from "../harness/run.ts";
import { figure } from "../harness/table.ts";

const MEMBERS = 40;
const SEEDS = [1, 2, 3] as const;
const STALLERS = 4;

interface Condition {
  readonly name: string;
  readonly lossRate: number;
  readonly stallers: number;
  /** Most false deaths of one seed. */
  readonly bar: number;
}

interface Outcome {
  readonly deaths: number;
  readonly knownMs: number;
  readonly packets: number;
  readonly speed: number;
}

const CONDITIONS: readonly Condition[] = [
  { name: "quiet", lossRate: 0, stallers: 0, bar: 0 },
  { name: "10 % loss", lossRate: 0.1, stallers: 0, bar: 0 },
  { name: "30 % loss", lossRate: 0.3, stallers: 0, bar: 10 },
  { name: "10 % loss, 4 that stall", lossRate: 0.1, stallers: STALLERS, bar: 0 },
];

/** False deaths, and the time until a crash is known to all. */
export const measureFalseDeaths: Measure = ({ quick }): Promise<Section> => {
  const minutes = quick ? 2 : 20;
  const rows = CONDITIONS.map((condition) => {
    return { condition, outcomes: SEEDS.map((seed) => run(condition, seed, minutes)) };
  });
  return Promise.resolve({
    title: `${MEMBERS} members, ${minutes} minutes, ${SEEDS.length} seeds`,
    method:
      "Preset lan, the machine and the codec from sources, delays of 0.2 to 2.2 ms. A false " +
      "death: one member holds for down another that runs; told to 39, it counts 39 times. " +
      "Stalls take 0.5 to 5.5 s, one in 15 s and member: timers first, then what waited.",
    tables: [
      {
        head: ["network", "false deaths", "crash known to all, s", "packets/s/member", "× CPU"],
        rows: rows.map(({ condition, outcomes }) => [
          condition.name,
          outcomes.map(({ deaths }) => deaths).join(", "),
          outcomes.map(({ knownMs }) => figure(knownMs / 1_000)).join(", "),
          figure(outcomes[0]?.packets ?? 0),
          figure(Math.min(...outcomes.map(({ speed }) => speed))),
        ]),
      },
    ],
    claims: rows.map(({ condition, outcomes }) => {
      const worst = Math.max(...outcomes.map(({ deaths }) => deaths));
      return {
        name: `${condition.name}: false deaths of the worst seed`,
        bar: `≤ ${condition.bar}`,
        measured: String(worst),
        held: worst <= condition.bar,
      };
    }),
  });
};

function run(condition: Condition, seed: number, minutes: number): Outcome {
  const world = new PacketWorld({ seed, lossRate: condition.lossRate });
  const nodes = world.startMany(MEMBERS);
  world.runUntil(() => nodes.every(({ machine }) => machine.size === MEMBERS), 60_000);
  for (const node of nodes.slice(0, condition.stallers)) stallNowAndThen(world, node, seed);
  let deaths = 0;
  world.onEffect = (_node, effect) => {
    if (effect.kind === "changed" && effect.change.kind === "down") deaths += 1;
  };
  const packets = world.packets;
  const startedUs = process.cpuUsage().user;
  world.run(minutes * 60_000);
  const speed = (minutes * 60_000_000) / (process.cpuUsage().user - startedUs);
  const found = deaths;
  const perSecond = (world.packets - packets) / (minutes * 60) / MEMBERS;
  const victim = nodes[MEMBERS - 1] as WorldNode;
  world.crash(victim);
  const isKnown = (): boolean =>
    nodes.every((node) => node === victim || node.machine.member(victim.id)?.state === "down");
  return { deaths: found, knownMs: world.runUntil(isKnown, 120_000), packets: perSecond, speed };
}

function stallNowAndThen(world: PacketWorld, node: WorldNode, seed: number): void {
  let state = (seed * 7_919 + node.id.length * 104_729 + Number(node.id.slice(1))) >>> 0;
  const next = (): number =>
    (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  const again = (): void => {
    world.stall(node, 500 + 5_000 * next());
    world.at(world.nowMs + 6_000 + 18_000 * next(), again);
  };
  world.at(world.nowMs + 10_000 * next(), again);
}
