/**
 * Gossip: five processes that say things of themselves and take them back, while they are killed,
 * paused, cut off and set to other clocks.
 *
 * Each watches what it comes to know, and is checked at every change; in the end all must know what
 * each says, and nothing else. Tombstones live shorter than partitions, so that a removal often has
 * to be learnt from its absence.
 */
import { createGossip, type Gossip, type GossipEvent } from "@quorate/membership";
import type { SimProcess, World } from "@quorate/simulator";
import { isQuorateError } from "@quorate/core";

import { DURATION_MS, KEEPING, type Scenario } from "../scenario.ts";

const COUNT = 5;
const KEYS = ["zone", "load", "shards"];
/** Time after healing in which all must know the same. */
const RECOVERY_MS = 30_000;

/** Five processes, three keys each. */
export const gossip: Scenario = {
  name: "gossip",
  claim: "nothing rises from the dead, a later life counts, and all know the same at last",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { said: 5, heard: 5 },
  world(sim, engine) {
    const store = sim.store("store", { engine });
    const seats = new Seats(sim);
    const nodes = sim.process("member", {
      count: COUNT,
      main: async (process) => {
        const { bus, runtime } = store.backend(process);
        const member = createGossip(
          { bus, runtime },
          {
            group: "fleet",
            id: process.name,
            peers: () => nodes.map(({ name }) => name),
            reconcileMs: 1_000,
            stopAfter: 1,
            tombstoneMs: 1_500,
          },
        );
        await started(process, member);
        seats.take(process, member);
        void listen(process, seats, member);
        for (let count = 1; ; count++) {
          await process.sleep(200 + runtime.random.next() * 2_000);
          if (seats.isHealed) continue;
          const key = KEYS[Math.floor(runtime.random.next() * KEYS.length)] ?? "zone";
          if (runtime.random.next() < 0.4) member.remove(key);
          else member.set(key, `${process.incarnation}.${count}`);
          process.mark("said");
        }
      },
    });
  },
};

/** Those who live now, and the claims about them. */
class Seats {
  isHealed = false;
  readonly #sim: World;
  readonly #seats = new Map<string, { readonly process: SimProcess; readonly member: Gossip }>();

  constructor(sim: World) {
    this.#sim = sim;
    sim.on("gossip.reborn", () => sim.mark("reborn"));
    sim.eventually("all know the same", { withinMs: RECOVERY_MS }, () => {
      this.isHealed = true;
      const living = [...this.#seats.values()].filter(({ process }) => process.isAlive);
      if (living.length < COUNT) return `only ${living.length} have begun`;
      const truth = living.flatMap(({ process, member }) => saidBy(process.name, member)).sort();
      const wrong = living.filter(({ member }) => textOf(member) !== truth.join(" "));
      const told = wrong.map(({ process, member }) => `${process.name}: ${textOf(member)}`);
      return wrong.length === 0 || `${told.join("; ")} where ${truth.join(" ")} is true`;
    });
  }

  take(process: SimProcess, member: Gossip): void {
    this.#seats.set(process.name, { process, member });
  }

  fail(claim: string, message: string): void {
    this.#sim.fail(claim, message);
  }
}

/** Checks what one process comes to know. */
async function listen(process: SimProcess, seats: Seats, member: Gossip): Promise<void> {
  const lives = new Map<string, number>();
  const newest = new Map<string, { readonly version: number; readonly isDead: boolean }>();
  const check = (event: GossipEvent): void => {
    if (event.kind === "synced") return;
    const { owner, key } = event.kind === "set" ? event.fact : event;
    if (event.kind === "removed") {
      const place = `${owner}/${key}/${lives.get(owner)}`;
      const known = newest.get(place);
      if (known !== undefined) newest.set(place, { ...known, isDead: true });
      return;
    }
    const { life, version } = event.fact;
    if (life < (lives.get(owner) ?? 0)) {
      seats.fail("a later life counts", `${process.name}: ${owner} in life ${life} again`);
    }
    lives.set(owner, life);
    const place = `${owner}/${key}/${life}`;
    const known = newest.get(place);
    if (
      known !== undefined &&
      (version < known.version || (known.isDead && version === known.version))
    ) {
      seats.fail("nothing rises from the dead", `${process.name}: ${place} is ${version} again`);
    }
    newest.set(place, { version, isDead: false });
    if (owner !== process.name) process.mark("heard");
  };
  for await (const event of member.watch()) check(event);
}

/** Starts, trying again until it works. */
async function started(process: SimProcess, member: Gossip): Promise<void> {
  for (;;) {
    try {
      await member.start();
      return;
    } catch (error) {
      if (!isQuorateError(error)) throw error;
      process.mark(`told ${error.code}`);
      await process.sleep(200);
    }
  }
}

function saidBy(owner: string, member: Gossip): readonly string[] {
  const own = member.facts.filter((fact) => fact.owner === owner);
  return own.map(({ key, value }) => `${owner}/${key}=${value}`);
}

function textOf({ facts }: Gossip): string {
  return facts
    .map(({ owner, key, value }) => `${owner}/${key}=${value}`)
    .sort()
    .join(" ");
}
