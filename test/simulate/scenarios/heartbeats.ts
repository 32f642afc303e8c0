/**
 * Heartbeats: five members of one group that are killed, paused, cut off and set to other clocks,
 * and now and then leave by themselves.
 *
 * What each of them thinks of the others is heard from above, change by change; how long each stood
 * still, and when it last heard itself, is seen from above, too.
 */
import { isQuorateError, type MessageBus, type Ms } from "@quorate/core";
import {
  createHeartbeats,
  type Heartbeats,
  type MembershipChanged,
  type MembershipConflict,
} from "@quorate/membership";
import type { SimNode, SimProcess, World } from "@quorate/simulator";

import { DURATION_MS, KEEPING, type Scenario } from "../scenario.ts";

const COUNT = 5;
const INTERVAL_MS = 500;
/** Least time from suspicion to verdict: what others have for an answer, on a clock that is off. */
const LEAST_TRIAL_MS = INTERVAL_MS * 0.98;
/** Time after healing in which all must know all. */
const RECOVERY_MS = 30_000;

/** Five members. */
export const heartbeats: Scenario = {
  name: "heartbeats",
  claim: "nobody is down without a fair trial, the latest life counts, and all know all at last",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { joined: 2 },
  world(sim, engine) {
    const store = sim.store("store", { engine });
    const seats = new Seats(sim);
    const nodes = sim.process("member", {
      count: COUNT,
      main: async (process) => {
        const { bus, runtime } = store.backend(process);
        const heard = seats.listening(process, bus);
        for (;;) {
          const options = { group: "fleet", id: process.name, intervalMs: INTERVAL_MS };
          const members = createHeartbeats({ bus: heard, runtime }, options);
          await started(process, members);
          seats.take(process, members);
          await process.sleep(3_000 + runtime.random.next() * 20_000);
          while (seats.isHealed) await process.sleep(60_000);
          await members.leave();
          process.mark("left by itself");
          seats.vacate(process);
          await process.sleep(runtime.random.next() * 4_000);
        }
      },
    });
    seats.watch(nodes);
  },
};

/** What one member thinks of another. */
interface Opinion {
  readonly incarnation: number;
  readonly state: string;
  readonly sinceMs: Ms;
}

interface Seat {
  readonly process: SimProcess;
  readonly members: Heartbeats;
  readonly opinions: Map<string, Opinion>;
}

/** The members as they live now, and the claims about them. */
class Seats {
  isHealed = false;
  readonly #sim: World;
  readonly #seats = new Map<string, Seat>();
  /** When each last heard itself, and when it last woke up, in world time. */
  readonly #echoMs = new Map<string, number>();
  readonly #wokeMs = new Map<string, number>();
  readonly #asleep = new Map<string, number>();

  constructor(sim: World) {
    this.#sim = sim;
    sim.on("membership.changed", (event, node) => this.#hear(event as MembershipChanged, node));
    sim.on("membership.conflict", (event, node) => {
      // What a former life said may be on its way for seconds. It must displace nobody.
      if ((event as MembershipConflict).outcome === "goes-on") return;
      sim.fail("a name is its living bearer's", `${node.name} stands aside for one who is dead`);
    });
    sim.eventually("all know all", { withinMs: RECOVERY_MS }, () => {
      this.isHealed = true;
      const strangers = [...this.#seats.values()].flatMap((seat) => this.#unknownTo(seat));
      return this.#seats.size === COUNT ? strangers.length === 0 || strangers.join(", ") : "";
    });
  }

  /** A process has joined. */
  take(process: SimProcess, members: Heartbeats): void {
    process.mark("joined");
    this.#seats.set(process.name, { process, members, opinions: new Map() });
  }

  /** A process has left. */
  vacate(process: SimProcess): void {
    this.#seats.delete(process.name);
  }

  /** Looks whether processes stand still. */
  watch(nodes: readonly SimNode[]): void {
    this.#sim.always("nobody is asleep for ever", () => {
      for (const node of nodes) this.#look(node);
    });
  }

  /** The bus of a process, which is seen to hear itself. */
  listening(process: SimProcess, bus: MessageBus): MessageBus {
    const own = `"id":"${process.name}"`;
    return {
      publish: (...args) => bus.publish(...args),
      request: (...args) => bus.request(...args),
      subscribe: (target, handler, options) =>
        bus.subscribe(
          target,
          (message) => {
            const isOwn = Buffer.from(message.data).includes(own);
            if (isOwn) this.#echoMs.set(process.name, this.#sim.nowMs);
            return handler(message);
          },
          options,
        ),
    };
  }

  #look(node: SimNode): void {
    const fellAsleepMs = this.#asleep.get(node.name);
    if (node.state === "paused" || node.state === "suspended") {
      if (fellAsleepMs === undefined) this.#asleep.set(node.name, this.#sim.nowMs);
    } else if (fellAsleepMs !== undefined) {
      this.#asleep.delete(node.name);
      const sleptMs = this.#sim.nowMs - fellAsleepMs;
      if (sleptMs >= 2 * INTERVAL_MS) this.#wokeMs.set(node.name, this.#sim.nowMs);
    }
  }

  #hear({ change, member, incarnation, state }: MembershipChanged, node: SimNode): void {
    const seat = this.#seats.get(node.name);
    if (seat === undefined || seat.process.incarnation !== node.incarnation) return;
    this.#look(node);
    this.#sim.mark(`saw ${change}`);
    const before = seat.opinions.get(member);
    const nowMs = this.#sim.nowMs;
    const sinceMs = before?.state === state ? before.sinceMs : nowMs;
    seat.opinions.set(member, { incarnation, state, sinceMs });
    const who = `${node.name}: ${member} ${change}`;
    if (before === undefined) return; // It had joined before anybody looked.
    if (incarnation < before.incarnation) {
      this.#sim.fail(
        "the latest life counts",
        `${who}: ${before.incarnation}, then ${incarnation}`,
      );
    }
    if (before.state === "left" && incarnation === before.incarnation && change !== "updated") {
      this.#sim.fail("a goodbye is final for its life", `${who} after it`);
    }
    if (change === "recovered" && before.state === "alive") {
      this.#sim.fail("changes follow one another", `${who}, and was alive`);
    }
    if (change === "down") this.#judge(who, node, before);
  }

  /** Whether a verdict was fair. */
  #judge(who: string, node: SimNode, before: Opinion): void {
    const nowMs = this.#sim.nowMs;
    if (before.state !== "suspect" || nowMs - before.sinceMs < LEAST_TRIAL_MS) {
      this.#sim.fail("no verdict without a trial", `${who}, ${before.state} at ${before.sinceMs}`);
    }
    const wokeMs = this.#wokeMs.get(node.name) ?? -Infinity;
    if (nowMs - wokeMs < (INTERVAL_MS / 2) * 0.98) {
      this.#sim.fail("who wakes up listens first", `${who}, awake since ${wokeMs}`);
    }
    const echoMs = this.#echoMs.get(node.name) ?? -Infinity;
    if (echoMs < before.sinceMs) {
      this.#sim.fail("who hears nothing accuses nobody", `${who}, and heard itself at ${echoMs}`);
    }
  }

  #unknownTo({ process, members }: Seat): readonly string[] {
    if (!process.isAlive) return [`${process.name} is away`];
    return [...this.#seats.values()].flatMap((other) => {
      const seen = members.member(other.process.name);
      const { self } = other.members;
      const isRight = seen?.state === "alive" && seen.incarnation === self?.incarnation;
      return isRight ? [] : [`${process.name} takes ${other.process.name} for ${seen?.state}`];
    });
  }
}

/** Starts, trying again until it works. */
async function started(process: SimProcess, members: Heartbeats): Promise<void> {
  for (;;) {
    try {
      await members.start();
      return;
    } catch (error) {
      if (!isQuorateError(error) || error.code === "MEMBER_CONFLICT") throw error;
      process.mark(`told ${error.code}`);
      await process.sleep(200);
    }
  }
}
