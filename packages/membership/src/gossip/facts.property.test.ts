import { seededRandom } from "@quorate/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type GossipEffect, GossipMachine } from "./machine.ts";
import type { GossipMessage } from "./messages.ts";
import { Peers } from "./peers.ts";

const IDS = ["a", "b", "c", "d"];
const PEERS = Peers.of(IDS);
const KEYS = ["x", "y", "z"];

/** What may happen, in any order, any number of times. */
const happening = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ what: fc.constant("set" as const), who: place(IDS), key: place(KEYS) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant("remove" as const),
      who: place(IDS),
      key: place(KEYS),
    }),
  },
  { weight: 5, arbitrary: fc.record({ what: fc.constant("round" as const), who: place(IDS) }) },
  { weight: 5, arbitrary: fc.record({ what: fc.constant("reconcile" as const), who: place(IDS) }) },
  {
    weight: 12,
    arbitrary: fc.record({
      what: fc.constant("deliver" as const),
      which: fc.nat(30),
      twice: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("lose" as const), which: fc.nat(30) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant("restart" as const),
      who: place(IDS),
      back: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("wait" as const) }) },
);

function place(list: readonly string[]): fc.Arbitrary<string> {
  return fc.constantFrom(...list);
}

/** Four machines, and a network that keeps, swaps, repeats and loses what is on the way. */
class World {
  nowMs = 0;
  readonly machines = new Map<string, GossipMachine>();
  readonly flying: {
    readonly from: string;
    readonly to: string;
    readonly message: GossipMessage;
  }[] = [];
  readonly #style: "push" | "push-pull";
  readonly #buried = new Map<string, Map<string, number>>();
  readonly #through = new Map<string, number>();
  #life = 1_000;
  #early = 1_000;
  #said = 0;

  constructor(style: "push" | "push-pull") {
    this.#style = style;
    for (const id of IDS) this.start(id, this.#life);
  }

  start(id: string, life: number): void {
    const settings = {
      ...{ self: id, life, style: this.#style, fanout: 1, stopAfter: 2, maxPacketBytes: 4_096 },
      // Three keys and a fourth place: tombstones are often thrown away early.
      ...{ maxOwnerBytes: 512, maxKeys: 4, tombstoneMs: 40, keepMs: 1_000_000 },
    };
    const machine = new GossipMachine(settings, seededRandom(life));
    this.machines.set(id, machine);
    this.#buried.set(id, new Map());
    for (const key of this.#through.keys()) if (key.startsWith(id)) this.#through.delete(key);
    machine.step({ kind: "peers", peers: PEERS }, this.nowMs);
  }

  step(id: string, input: Parameters<GossipMachine["step"]>[0]): void {
    const machine = this.machines.get(id) ?? expect.fail();
    this.nowMs += 1;
    for (const effect of machine.step(input, this.nowMs)) this.#perform(id, effect);
    this.#check(id, machine);
  }

  deliver(which: number, keep: boolean): void {
    const at = which % Math.max(1, this.flying.length);
    const [one] = keep ? this.flying.slice(at) : this.flying.splice(at, 1);
    if (one !== undefined)
      this.step(one.to, { kind: "heard", from: one.from, message: one.message });
  }

  say(id: string, key: string): void {
    this.step(id, { kind: "write", key, value: String((this.#said += 1)) });
  }

  restart(id: string, back: boolean): void {
    // With the clock set back the new life is less than all before, and must be found out.
    this.start(id, back ? (this.#early -= 1) : (this.#life += 1_000));
  }

  /** The network is whole again: everybody compares with everybody until nothing is news. */
  heal(): void {
    this.flying.length = 0;
    for (let pass = 0, isNews = true; isNews; pass++) {
      if (pass > 20) throw new Error("they still tell one another news");
      isNews = false;
      for (const from of IDS) {
        for (const to of IDS) {
          if (to === from) continue;
          this.step(from, { kind: "reconcile" });
          const [digest] = this.flying.splice(0);
          if (digest !== undefined) this.flying.push({ ...digest, to });
          this.deliver(0, false);
          isNews ||= this.flying.length > 0;
          while (this.flying.length > 0) this.deliver(0, false);
        }
      }
    }
  }

  known(id: string): readonly string[] {
    const machine = this.machines.get(id) ?? expect.fail();
    return [...machine.facts].map(({ owner, key, value }) => `${owner}/${key}=${value}`).sort();
  }

  #perform(id: string, effect: GossipEffect): void {
    if (effect.kind === "send") this.flying.push({ from: id, ...effect });
  }

  /** Nothing rises from the dead, and nobody forgets how much it knew. */
  #check(id: string, machine: GossipMachine): void {
    const buried = this.#buried.get(id) ?? expect.fail();
    const standing = new Set<string>();
    for (const { owner, key, life, version } of machine.facts) {
      const name = `${owner}/${life}/${key}`;
      standing.add(name);
      const dead = buried.get(`dead ${name}`) ?? 0;
      if (version <= dead) throw new Error(`${id}: ${name} rose as ${version} from ${dead}`);
      buried.set(name, version);
    }
    for (const [name, version] of buried) {
      if (name.startsWith("dead ") || standing.has(name)) continue;
      const { through = 0, life } = machine.facts.of(name.split("/")[0] ?? "") ?? { life: 0 };
      // Dead for good only what is known to be: a new life or a gap leaves the question open.
      if (life === Number(name.split("/")[1]) && through >= version)
        buried.set(`dead ${name}`, version);
    }
    for (const owner of IDS) {
      const ledger = machine.facts.of(owner);
      if (ledger === undefined) continue;
      const name = `${id} ${owner} ${ledger.life}`;
      if (ledger.through < (this.#through.get(name) ?? 0)) throw new Error(`${name} fell`);
      this.#through.set(name, ledger.through);
    }
  }
}

describe("facts, whatever the network does", () => {
  it.each(["push", "push-pull"] as const)("are the same everywhere in the end (%s)", (style) => {
    fc.assert(
      fc.property(fc.array(happening, { minLength: 20, maxLength: 120 }), (happenings) => {
        const world = new World(style);
        for (const it of happenings) {
          if (it.what === "set") world.say(it.who, it.key);
          else if (it.what === "remove") {
            world.step(it.who, { kind: "write", key: it.key, value: undefined });
          } else if (it.what === "round") world.step(it.who, { kind: "round" });
          else if (it.what === "reconcile") world.step(it.who, { kind: "reconcile" });
          else if (it.what === "deliver") world.deliver(it.which, it.twice);
          else if (it.what === "lose") world.flying.splice(it.which % (world.flying.length + 1), 1);
          else if (it.what === "restart") world.restart(it.who, it.back);
          else world.nowMs += 50;
        }
        world.heal();
        // What each says of itself is the truth; nobody else knows more or less.
        const truth = IDS.flatMap((id) =>
          world.known(id).filter((fact) => fact.startsWith(`${id}/`)),
        ).sort();
        for (const id of IDS) expect(world.known(id)).toEqual(truth);
      }),
      { numRuns: 80 },
    );
  });
});
