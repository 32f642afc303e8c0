/**
 * Scenarios of elections without a store: members that speak by datagrams, so that any two of them
 * may be cut from one another while both reach the store of their epochs.
 *
 * Seen from above: who holds an epoch at each moment, by which token, and whom everybody names.
 */
import type { Backend, MessageBus, MessageHandler, Subscription } from "@quorate/core";
import { matchesTarget } from "@quorate/core";
import type { createBullyElection, HintElection } from "@quorate/election";
import type { SimProcess, World } from "@quorate/simulator";

import { DURATION_MS, KEEPING, type Scenario, TTL_MS } from "./scenario.ts";

const COUNT = 5;
const TIMING = { heartbeatMs: 500, suspectAfterMs: 2_000, answerMs: 400 };
/** Time after healing in which all must name the greatest member, and that one hold an epoch. */
const RECOVERY_MS = 60_000;

/** The scenario of the algorithm `name`. */
export function hintMembersOf(name: string, create: typeof createBullyElection): Scenario {
  return {
    name,
    claim: "whoever believes holds the one epoch, tokens grow, and all name the greatest at last",
    durationMs: DURATION_MS,
    engines: ["memory", "redis", "nats"],
    profiles: KEEPING,
    atLeast: { led: 3 },
    world(sim, engine) {
      const store = sim.store("store", { engine });
      const seats = new Seats(sim);
      const nodes = sim.process("member", {
        count: COUNT,
        main: async (process) => {
          const ids = nodes.map((node) => node.name);
          const bus = new DatagramBus(process, ids);
          const epochs: Backend = store.backend(process);
          const election = create({ bus, runtime: process.runtime }, "job", {
            self: process.name,
            members: ids,
            ...TIMING,
            epochs,
            epochTtlMs: TTL_MS,
          });
          seats.take(process, election);
          await election.start();
          for (;;) {
            await process.sleep(TIMING.heartbeatMs);
            if (election.epoch !== undefined) process.mark("led");
          }
        },
      });
      splitNowAndThen(
        sim,
        nodes.map((node) => node.name),
      );
    },
  };
}

/** The members as they live now, and the claims about them. */
class Seats {
  readonly #sim: World;
  readonly #seats = new Map<string, { process: SimProcess; election: HintElection }>();
  readonly #holderOf = new Map<number, string>();
  #newest = 0;
  #areTwo = false;

  constructor(sim: World) {
    this.#sim = sim;
    sim.always("one epoch is held at a time", () => this.#check());
    sim.eventually("all name the greatest member", { withinMs: RECOVERY_MS }, () => {
      const greatest = [...this.#seats.keys()].sort().at(-1);
      const others = this.#living().filter(({ election }) => election.leader !== greatest);
      const names = others.map(({ process, election }) => `${process.name}: ${election.leader}`);
      return others.length === 0 || names.join(", ");
    });
  }

  take(process: SimProcess, election: HintElection): void {
    this.#seats.set(process.name, { process, election });
  }

  #living(): readonly { process: SimProcess; election: HintElection }[] {
    return [...this.#seats.values()].filter(({ process }) => process.isAlive);
  }

  #check(): true | string {
    const named = new Set<string>();
    const holders: string[] = [];
    for (const { process, election } of this.#living()) {
      const { leader, isSelf } = election.hint;
      if (leader !== undefined) named.add(leader);
      const token = election.epoch?.fencingToken;
      if (isSelf && token === undefined) return `${process.name} believes without an epoch`;
      if (token === undefined) continue;
      holders.push(`${process.name} (${token})`);
      this.#judge(token, `${process.name} in life ${process.incarnation}`);
    }
    if (named.size > 1 && !this.#areTwo) this.#sim.mark("two hints");
    this.#areTwo = named.size > 1;
    return holders.length <= 1 || `epochs are held by ${holders.join(" and ")}`;
  }

  #judge(token: number, holder: string): void {
    const known = this.#holderOf.get(token);
    if (known === holder) return;
    this.#holderOf.set(token, holder);
    if (known !== undefined) {
      this.#sim.fail("an epoch is one member's", `${known} and ${holder} both had ${token}`);
    }
    if (token < this.#newest) {
      this.#sim.fail("tokens grow", `${holder} got ${token} after ${this.#newest}`);
    }
    this.#newest = token;
  }
}

/** Cuts the members in two, all of whom reach the store. Healed with everything else. */
function splitNowAndThen(sim: World, names: readonly string[]): void {
  const random = sim.random("split");
  for (let atMs = 4_000 + random.next() * 6_000; atMs < DURATION_MS;) {
    const forMs = 1_000 + random.next() * 8_000;
    const side = names.filter(() => random.next() < 0.5);
    const rest = names.filter((name) => !side.includes(name));
    sim.at(atMs, () => {
      const cut = sim.network.partition(side, rest);
      sim.mark("split");
      sim.kernel.scheduler.schedule(forMs * 1_000, undefined, "action", () => cut.heal());
    });
    atMs += forMs + 3_000 + random.next() * 9_000;
  }
}

/** A bus of datagrams: whoever hears a subject is asked for by name, as the subject says it. */
class DatagramBus implements MessageBus {
  readonly #process: SimProcess;
  readonly #ids: readonly string[];
  readonly #handlers = new Map<string, MessageHandler>();

  constructor(process: SimProcess, ids: readonly string[]) {
    this.#process = process;
    this.#ids = ids;
    process.onMessage((_from, data) => this.#hear(data));
  }

  publish(subject: string, data: Uint8Array): Promise<void> {
    const bytes = Buffer.from(`${subject}\n${Buffer.from(data).toString("latin1")}`, "latin1");
    const one = /\/to\/([^/]+)$/.exec(subject)?.[1];
    const all = this.#ids;
    for (const id of one === undefined ? all : [one]) {
      if (id !== this.#process.name) this.#process.send(id, bytes);
    }
    return Promise.resolve();
  }

  subscribe(target: string, handler: MessageHandler): Promise<Subscription> {
    this.#handlers.set(target, handler);
    const close = (): Promise<void> => {
      this.#handlers.delete(target);
      return Promise.resolve();
    };
    return Promise.resolve({ subject: target, close, [Symbol.asyncDispose]: close });
  }

  request(): Promise<never> {
    return Promise.reject(new Error("nobody asks here"));
  }

  #hear(bytes: Uint8Array): void {
    const text = Buffer.from(bytes).toString("latin1");
    const end = text.indexOf("\n");
    const subject = text.slice(0, end);
    const data = Buffer.from(text.slice(end + 1), "latin1");
    for (const [target, handler] of this.#handlers) {
      if (matchesTarget(target, subject)) void handler({ subject, data, headers: {} });
    }
  }
}
