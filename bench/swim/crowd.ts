/**
 * A thousand members: all join within a second, then nothing happens, then one dies.
 */
import {
  PacketWorld,
  type WorldNode,
} from "../../packages/membership/src/swim/packet-world.fixture.ts";
import type { Section } from "../harness/report.ts";
import type { Measure } from "../harness/run.ts";
import { figure } from "../harness/table.ts";

const CONVERGE_BAR_MS = 10_000;
/** Packets are sealed at most: what the machine fills leaves room for that. */
const PACKET_BAR = 1_400;

/** Joins, the cost of standing still, and a death, among a thousand. */
export const measureThousand: Measure = ({ quick }): Promise<Section> => {
  const count = quick ? 200 : 1_000;
  const world = new PacketWorld({ seed: 1 });
  const nodes: WorldNode[] = [];
  const seeds = ["at-m0", "at-m1", "at-m2"];
  for (let index = 0; index < count; index++) {
    world.at((index * 1_000) / count, () => nodes.push(world.start(`m${index}`, { seeds })));
  }
  const join = timed(world, () => {
    world.run(1_000);
    world.runUntil(() => nodes.every(({ machine }) => machine.size === count), 60_000);
  });
  const settling = timed(world, () => world.run(30_000));
  const still = timed(world, () => world.run(quick ? 20_000 : 60_000));
  const victim = nodes[count - 1] as WorldNode;
  world.crash(victim);
  const isKnown = (node: WorldNode): boolean =>
    node === victim || node.machine.member(victim.id)?.state === "down";
  const death = timed(world, () => world.runUntil(() => nodes.every(isKnown), 60_000));
  const row = (name: string, { ms, speed, packets }: Span): string[] => {
    return [name, figure(ms / 1_000), figure((packets * 1_000) / ms / count), figure(speed)];
  };
  const largest = world.largest + 22;
  return Promise.resolve({
    title: `${count} members`,
    method:
      "One process, one core, the machine and the codec from sources; × CPU is simulated time " +
      "by this process's own CPU time, for all members together.",
    tables: [
      {
        head: ["what", "simulated s", "packets/s/member", "× CPU"],
        rows: [
          row("all join in 1 s, until all know all", join),
          row("the 30 s after that", settling),
          row("nothing happens", still),
          row("one dies, until all know", death),
        ],
      },
    ],
    remarks: [`${figure(world.bytes / 1e6)} MB in ${figure(world.packets)} packets.`],
    claims: [
      {
        name: `${count} joins in one second are known to all`,
        bar: `≤ ${CONVERGE_BAR_MS / 1_000} s`,
        measured: `${figure(join.ms / 1_000)} s`,
        held: join.ms <= CONVERGE_BAR_MS,
      },
      {
        name: "the largest packet, sealed",
        bar: `≤ ${PACKET_BAR} bytes`,
        measured: `${largest} bytes`,
        held: largest <= PACKET_BAR,
      },
      {
        name: `${count} members run faster than real time`,
        bar: "> 1 ×",
        measured: `${figure(still.speed)} ×`,
        held: still.speed > 1,
      },
    ],
  });
};

interface Span {
  readonly ms: number;
  readonly speed: number;
  readonly packets: number;
}

function timed(world: PacketWorld, act: () => void): Span {
  const [fromMs, packets] = [world.nowMs, world.packets];
  const startedUs = process.cpuUsage().user;
  act();
  const ms = world.nowMs - fromMs;
  const cpuMs = (process.cpuUsage().user - startedUs) / 1_000;
  return { ms, speed: ms / cpuMs, packets: world.packets - packets };
}
