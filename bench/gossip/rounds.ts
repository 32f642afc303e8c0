/**
 * An epidemic in rounds: many gossip machines, no clock but the count of rounds, and a network that
 * loses messages by chance.
 *
 * The model of the literature: in each round every process that wants to calls random others, and
 * the called ones answer within the round. What is measured is the code that runs in production,
 * not a model of it: `GossipMachine` as it is exported. Used by `npm run bench -- gossip`, and by
 * the tests of packages/membership.
 */
import { type GossipEffect, GossipMachine, GossipPeers } from "@quorate/membership";
import type { Random } from "@quorate/core";

/** One epidemic. */
export interface EpidemicOptions {
  readonly size: number;
  readonly style: "push" | "push-pull";
  /** Peers called a round. @default 1, as in the literature */
  readonly fanout?: number;
  /** Share of messages lost, answers too. @default 0 */
  readonly lossRate?: number;
  /** Peers that knew, after whom a rumour is dropped. @default the bound on rounds alone */
  readonly stopAfter?: number;
  /** Everybody compares with a random peer every so many rounds. @default never */
  readonly reconcileEvery?: number;
  readonly random: Random;
}

/** What became of one rumour. */
export interface Epidemic {
  /** Round in which the last one that heard of it did. */
  readonly rounds: number;
  /** Share that never heard of it. */
  readonly residue: number;
  /** Times that the rumour was told, per process. */
  readonly told: number;
  /** Messages of any kind, per process. */
  readonly messages: number;
}

const MAX_ROUNDS = 400;

/** One process says something; rounds pass until all know, or nobody tells any more. */
export function spread(options: EpidemicOptions): Epidemic {
  const { size, reconcileEvery } = options;
  const machines = group(options);
  const network = new Network(machines, options);
  network.carry("0", machines[0]?.step({ kind: "write", key: "news", value: "!" }, 0) ?? []);
  let informed = 1;
  let last = 0;
  for (let round = 1; round <= MAX_ROUNDS && informed < size; round++) {
    // All decide before anybody hears: who is told in a round tells on in the next.
    const calls = machines.map((machine) => machine.step({ kind: "round" }, round));
    if (reconcileEvery !== undefined && round % reconcileEvery === 0) {
      for (const [place, machine] of machines.entries()) {
        calls[place] = [...(calls[place] ?? []), ...machine.step({ kind: "reconcile" }, round)];
      }
    }
    const before = informed;
    for (const [place, effects] of calls.entries()) {
      informed += network.carry(String(place), effects);
    }
    if (informed > before) last = round;
    const isQuiet = reconcileEvery === undefined && machines.every(({ rumours }) => rumours === 0);
    if (isQuiet) break;
  }
  return {
    rounds: last,
    residue: 1 - informed / size,
    told: network.told / size,
    messages: network.messages / size,
  };
}

function group({ size, style, fanout = 1, stopAfter, random }: EpidemicOptions): GossipMachine[] {
  const peers = GossipPeers.of(Array.from({ length: size }, (_, place) => String(place)));
  return peers.ids.map((self) => {
    const machine = new GossipMachine(
      {
        self,
        life: 1,
        style,
        fanout,
        stopAfter: stopAfter ?? 1_000_000,
        maxPacketBytes: 16_384,
        maxOwnerBytes: 1_024,
        maxKeys: 8,
        tombstoneMs: 1_000_000,
        keepMs: 1_000_000,
      },
      random,
    );
    machine.step({ kind: "peers", peers }, 0);
    return machine;
  });
}

class Network {
  messages = 0;
  told = 0;
  readonly #machines: readonly GossipMachine[];
  readonly #lossRate: number;
  readonly #random: Random;

  constructor(machines: readonly GossipMachine[], { lossRate = 0, random }: EpidemicOptions) {
    this.#machines = machines;
    this.#lossRate = lossRate;
    this.#random = random;
  }

  /** Delivers what `from` sends, and the answers to it. How many heard of the rumour first now. */
  carry(from: string, effects: readonly GossipEffect[]): number {
    let heard = 0;
    for (const effect of effects) {
      if (effect.kind === "changed" && effect.change.kind === "set") {
        if (effect.change.fact.owner !== from) heard += 1;
      }
      if (effect.kind !== "send") continue;
      this.messages += 1;
      const { to, message } = effect;
      if ("rumours" in message) this.told += message.rumours.length;
      if (this.#random.next() < this.#lossRate) continue;
      const answers = this.#machines[Number(to)]?.step({ kind: "heard", from, message }, 0) ?? [];
      heard += this.carry(to, answers);
    }
    return heard;
  }
}

/** Least squares: what `y` grows by when `x` grows by 1. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const above = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const below = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return above / below;
}
