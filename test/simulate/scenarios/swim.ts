/**
 * swim: five members over the store's bus, whatever befalls them and the store.
 *
 * The bus is the only way between them, so a store that is away cuts each off from all. What must
 * hold is about the end: when nothing fails any more, all living members agree on who lives, nobody
 * dead is believed alive, and nobody healthy is believed dead. And at no time does a process
 * believe itself down.
 */
import type { Backend } from "@quorate/core";
import {
  busTransport,
  createSwim,
  type IncarnationStore,
  type Swim,
  type SwimChanged,
} from "@quorate/membership";
import type { SimProcess, World } from "@quorate/simulator";

import { DURATION_MS, KEEPING, type Scenario } from "../scenario.ts";

const COUNT = 5;
/** Time after healing in which all must agree: suspicions end, meeting points are asked. */
const AGREE_MS = 40_000;
/** And for so long without a break: who is suspected over and over is not well known. */
const STEADY_MS = 10_000;
const GROUP = "swim";
/** How long the one lives that dies for good; short runs are to see it too. */
const MORTAL_MS = 3_000;
/** Faults come and go in seconds here, so members ask, tell and bury sooner. */
const TIMING = {
  probeIntervalMs: 500,
  probeTimeoutMs: 200,
  suspicionMult: 3,
  suspicionMaxFactor: 3,
  syncIntervalMs: 5_000,
  rejoinIntervalMs: 2_000,
};

/** Members that live for ever, and one that is gone for good after a while. */
export const swim: Scenario = {
  name: "swim",
  claim: "when faults end all agree: nobody dead is held alive, nobody healthy dead",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { joined: 4 },
  world(sim, engine) {
    const store = sim.store("store", { engine });
    const seats = new Seats(sim);
    sim.process("member", {
      count: COUNT,
      // The store may be away when a process begins; then it begins again.
      onError: "restart",
      main: (process) => live(process, store.backend(process), seats),
    });
    // Gone without a word, and never back. No fault befalls it: a restart would bring it back.
    sim.process("mortal", {
      faults: false,
      main: async (process) => {
        if (process.incarnation > 1) return;
        const member = await start(process, store.backend(process)).catch(() => undefined);
        await process.sleep(MORTAL_MS);
        await member?.close();
        process.mark("died");
      },
    });
  },
};

async function live(process: SimProcess, backend: Backend, seats: Seats): Promise<void> {
  const member = await start(process, backend);
  seats.take(process, member);
  process.mark("started");
  await member.joined();
  process.mark("joined");
}

async function start(process: SimProcess, backend: Backend): Promise<Swim> {
  const member = createSwim({
    id: process.name,
    transport: busTransport(backend, { group: GROUP }),
    timing: TIMING,
    store: diskOf(process),
  });
  await member.start();
  return member;
}

/** The incarnation on the process's disk: clocks are set back here, and disks are lost. */
function diskOf({ disk }: SimProcess): IncarnationStore {
  return {
    load: () => {
      const kept = disk.get("incarnation");
      return Promise.resolve(kept === undefined ? undefined : Number(Buffer.from(kept).toString()));
    },
    save: (incarnation) => {
      disk.set("incarnation", Buffer.from(String(incarnation)));
      return Promise.resolve();
    },
  };
}

/** The members as they live now, and the claims about them. */
class Seats {
  readonly #sim: World;
  readonly #seats = new Map<string, { process: SimProcess; member: Swim }>();
  /** Since when all agree; only looked at after healing. */
  #agreedMs: number | undefined;

  constructor(sim: World) {
    this.#sim = sim;
    sim.always("nobody believes itself down", () => this.#selves());
    sim.eventually("all agree on who lives", { withinMs: AGREE_MS }, () => this.#agreeSteadily());
    sim.on("swim.changed", (event) => {
      const { change } = event as SwimChanged;
      if (change !== "joined" && change !== "updated") sim.mark(change);
    });
  }

  take(process: SimProcess, member: Swim): void {
    this.#seats.set(process.name, { process, member });
  }

  #living(): readonly { process: SimProcess; member: Swim }[] {
    return [...this.#seats.values()].filter(({ process }) => process.isAlive);
  }

  #selves(): true | string {
    for (const { process, member } of this.#living()) {
      const { self } = member;
      if (self === undefined) return `${process.name} stands aside for a namesake`;
      if (self.state !== "alive") return `${process.name} believes itself ${self.state}`;
    }
    return true;
  }

  #agreeSteadily(): true | string {
    const agree = this.#agree();
    this.#agreedMs = agree === true ? (this.#agreedMs ?? this.#sim.nowMs) : undefined;
    if (this.#agreedMs === undefined) return agree;
    return this.#sim.nowMs - this.#agreedMs >= STEADY_MS || "they have not agreed for long";
  }

  #agree(): true | string {
    const living = this.#living();
    if (living.length < COUNT) return `${living.length} of ${COUNT} members are there`;
    const names = living.map(({ process }) => process.name).sort();
    for (const { process, member } of living) {
      const seen = member.members.filter(({ state }) => state !== "down" && state !== "left");
      const suspect = seen.find(({ state }) => state === "suspect");
      if (suspect !== undefined) return `${process.name} suspects ${suspect.id}`;
      const ids = seen.map(({ id }) => id);
      if (ids.join() !== names.join()) return `${process.name} holds alive: ${ids.join(" ")}`;
    }
    return true;
  }
}
