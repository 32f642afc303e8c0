/**
 * Balancing: four clients spread calls over six replicas. The first replica fails at once for a
 * while, later half of them do; a profile may kill, pause and cut off whom it likes besides.
 *
 * Shares are judged only in worlds in which nothing else has gone wrong so far: who fails while
 * others are cut off may well be the best choice there is.
 */
import type { Runtime } from "@quorate/core";
import type { SimProcess, World } from "@quorate/simulator";

import type { Balancer, Pick } from "../../../packages/discovery/src/balancer.ts";
import { createBalancer } from "../../../packages/discovery/src/balancers/create-balancer.ts";
import { ejecting } from "../../../packages/discovery/src/balancers/ejecting.ts";
import { balance } from "../../../packages/discovery/src/balancers/kinds.ts";
import type { Endpoint } from "../../../packages/discovery/src/endpoint.ts";
import { DURATION_MS, KEEPING, type Scenario } from "../scenario.ts";

const REPLICAS = 6;
const MOST_OUT = 2;
const CALL_EVERY_MS = 20;
const TIMEOUT_MS = 1_000;
/** The first replica is sick, and later half of them. */
const SICK = { fromMs: 10_000, untilMs: 25_000 };
const HALF_SICK = { fromMs: 30_000, untilMs: 33_000 };
/** When doubt about the sick one must show: it began a second before. */
const DOUBTED_MS = SICK.fromMs + 1_000;
/** Twice and a half its even share, which no tie that is broken by chance comes near to. */
const FIRST_BAR = 0.4;
const SICK_BAR = 0.03;
const LAST_CALLS = 400;
const BACK_BAR = 0.02;
const RECOVERY_MS = 90_000;
const LOOK_EVERY_MS = 500;

const OK = 1;
const FAULT = 0;

/** Kinds by client. Those that doubt have to keep away from the sick one by themselves. */
const KINDS: readonly ((runtime: Runtime) => Balancer)[] = [
  (runtime) => createBalancer({ runtime }),
  (runtime) => balance.peakEwma({ runtime }),
  (runtime) => ejecting(balance.leastOutstanding({ runtime }), { runtime }),
  (runtime) => ejecting(balance.roundRobin({ runtime }), { runtime }),
];
const DOUBTING = 2;

/** Clients and replicas. */
export const balancing: Scenario = {
  name: "balance",
  claim: "ties are broken evenly, who fails is left alone and comes back, and two thirds stay in",
  durationMs: DURATION_MS,
  engines: ["memory"],
  profiles: KEEPING,
  atLeast: { answered: 100 },
  world(sim) {
    const books = new Books(sim);
    sim.process("replica", { count: REPLICAS, main: (process) => serve(sim, process) });
    sim.process("client", {
      count: KINDS.length,
      main: (process) => callForEver(process, books.of(process)),
    });
    sim.at(SICK.fromMs, () => books.judgeFirst());
    sim.at(SICK.untilMs, () => books.judgeSick());
    sim.eventually("everybody is called again", { withinMs: RECOVERY_MS }, () => books.judgeBack());
  },
};

/** What one client has done. */
interface Ledger {
  readonly sim: World;
  readonly name: string;
  readonly index: number;
  /** Replicas in the order of calls, with the time of each. */
  calls: { readonly atMs: number; readonly replica: string }[];
  isDisturbed: boolean;
}

class Books {
  readonly #sim: World;
  readonly #ledgers = new Map<string, Ledger>();
  #nextLookMs = 0;
  #back: true | string = "nobody has looked yet";

  constructor(sim: World) {
    this.#sim = sim;
  }

  /** Begins a ledger; what a former life of the process did no longer counts. */
  of({ name, index, incarnation }: SimProcess): Ledger {
    const isDisturbed = incarnation > 1;
    const ledger = { sim: this.#sim, name, index, calls: [], isDisturbed };
    this.#ledgers.set(name, ledger);
    return ledger;
  }

  judgeFirst(): void {
    this.#judge("the first of equals is one of many", FIRST_BAR, KINDS.length, 0);
  }

  judgeSick(): void {
    this.#judge("who fails at once is left alone", SICK_BAR, DOUBTING, DOUBTED_MS);
  }

  /** Whether each client's last calls went to all replicas; looked at now and then. */
  judgeBack(): true | string {
    if (this.#sim.nowMs < this.#nextLookMs) return this.#back;
    this.#nextLookMs = this.#sim.nowMs + LOOK_EVERY_MS;
    this.#back = this.#lookBack();
    return this.#back;
  }

  #lookBack(): true | string {
    for (const { name, calls } of this.#ledgers.values()) {
      const last = calls.slice(-LAST_CALLS).map(({ replica }) => replica);
      for (const id of replicaNames()) {
        const share = last.filter((replica) => replica === id).length / last.length;
        if (!(share >= BACK_BAR)) return `${name} sends ${percent(share)} to ${id}`;
      }
    }
    return true;
  }

  #judge(claim: string, bar: number, clients: number, fromMs: number): void {
    const [sick] = replicaNames();
    for (const { name, index, calls, isDisturbed } of this.#ledgers.values()) {
      const judged = calls.filter(({ atMs }) => atMs >= fromMs);
      if (isDisturbed || index >= clients || judged.length < 100) continue;
      const share = judged.filter(({ replica }) => replica === sick).length / judged.length;
      this.#sim.mark(`judged: ${claim}`);
      if (share > bar) this.#sim.fail(claim, `${name} sent ${percent(share)} to ${sick}`);
    }
  }
}

/** Answers in about ten milliseconds, or fails in half of one. */
function serve(sim: World, process: SimProcess): void {
  process.onMessage((from, id) => {
    const isWithin = ({ fromMs, untilMs }: typeof SICK): boolean =>
      sim.nowMs >= fromMs && sim.nowMs < untilMs;
    const isSick =
      (process.index === 0 && isWithin(SICK)) ||
      (process.index < REPLICAS / 2 && isWithin(HALF_SICK));
    const tookMs = isSick ? 0.5 : 5 + 10 * process.runtime.random.next();
    const answer = Buffer.concat([id, Buffer.of(isSick ? FAULT : OK)]);
    void process.sleep(tookMs).then(() => process.send(from, answer));
  });
}

async function callForEver(process: SimProcess, ledger: Ledger): Promise<void> {
  const { runtime } = process;
  const kind = KINDS[process.index] as (typeof KINDS)[number];
  const balancer = kind(runtime);
  balancer.update(replicaNames().map(endpointOf));
  const underWay = new Map<number, Pick>();
  const end = (id: number, isOk: boolean, isExpected: boolean): void => {
    const pick = underWay.get(id);
    if (!underWay.delete(id)) return;
    if (isOk) process.mark("answered");
    if (!isExpected) ledger.isDisturbed = true;
    pick?.end(isOk ? "ok" : "fault");
    judgeOut(ledger, balancer);
  };
  process.onMessage((_, data) => {
    end(Buffer.from(data).readUInt32LE(0), data[4] === OK, true);
  });
  for (let id = 1; ; id++) {
    await process.sleep(-Math.log(1 - runtime.random.next()) * CALL_EVERY_MS);
    const pick = balancer.pick();
    if (pick === undefined) return ledger.sim.fail("somebody is picked", `${ledger.name} got none`);
    const replica = pick.endpoint.id;
    ledger.calls.push({ atMs: ledger.sim.nowMs, replica });
    underWay.set(id, pick);
    const data = Buffer.alloc(4);
    data.writeUInt32LE(id);
    process.send(replica, data);
    runtime.time.setTimer(TIMEOUT_MS, () => end(id, false, false));
  }
}

function judgeOut({ sim, name }: Ledger, balancer: Balancer): void {
  const out = balancer.standings().filter(({ ejectedForMs }) => ejectedForMs > 0).length;
  if (out > 0) sim.mark("ejected");
  if (out > MOST_OUT) sim.fail("two thirds stay in", `${name} has ejected ${out}`);
}

function replicaNames(): readonly string[] {
  return Array.from({ length: REPLICAS }, (_, index) => `replica-${index + 1}`);
}

function endpointOf(id: string): Endpoint {
  const place = { service: "work", version: "1.0.0", address: id, zone: "" };
  return { ...place, id, weight: 1, warmUpMs: 0, ageMs: 0, state: "up" };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
