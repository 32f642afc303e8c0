/**
 * Leader election: four candidates lead for a while, resign, are stopped, hand over, and overrun
 * their time; two observers look on.
 *
 * Seen from above: no two believe that they lead, terms grow, no process works twice at once, what
 * is acknowledged to a leader is never followed by what an older one wrote, and observers hear of
 * terms in order, none twice, each of the candidate that really led it.
 */
import { createElection, type Election, type Leadership } from "@quorate/election";
import { isQuorateError } from "@quorate/core";
import { createGuard, type Guard } from "@quorate/lock";
import type { SimProcess, World } from "@quorate/simulator";
import { checkLeaders, type Leadership as Told } from "@quorate/simulator/checker";

import { type Belief, Believers, type HeldLock } from "../believers.ts";
import { DURATION_MS, KEEPING, type Scenario, TTL_MS, WAIT_MS, Workers } from "../scenario.ts";

const COUNT = 4;
const RESIGN_WITHIN_MS = 700;

/** Four candidates, two observers. */
export const election: Scenario = {
  name: "election",
  claim: "no two believe that they lead, terms grow, works never overlap, observers hear in order",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { led: 4 },
  world(sim, engine) {
    const workers = new Workers(sim);
    const store = sim.store("store", { engine });
    const terms = new Terms(sim);
    const believers = new Believers(sim, "the leadership", 1);
    sim.process("candidate", {
      count: COUNT,
      main: async (process) => {
        const backend = store.backend(process);
        const campaigner = createElection(backend, "job", {
          candidate: process.name,
          value: process.incarnation,
          ttlMs: TTL_MS,
          resignWithinMs: RESIGN_WITHIN_MS,
          minTermMs: TTL_MS,
          preferred: "candidate-0",
        });
        const guard = createGuard(backend.kv);
        const belief = believers.ask(process);
        const parts = { process, election: campaigner, guard, terms, believers };
        const life: Life = { ...parts, belief, working: 0 };
        await workers.forEver(process, () => campaignOnce(life));
      },
    });
    sim.process("observer", {
      count: 2,
      main: async (process) => {
        const watched = createElection(store.backend(process), "job", { candidate: process.name });
        await workers.forEver(process, () => observeOnce(process, watched, terms));
      },
    });
  },
};

/** What one process has. */
interface Life {
  readonly process: SimProcess;
  readonly election: Election;
  readonly guard: Guard;
  readonly terms: Terms;
  readonly believers: Believers;
  /** Of the term that may come: asked for before the claim is. */
  belief: Belief;
  /** Works of this process at this moment. */
  working: number;
}

/** All that was led, and what was heard of it. */
class Terms {
  readonly #sim: World;
  readonly #told: Told[] = [];
  readonly #leaders = new Map<number, string>();
  #newestWrite = 0;

  constructor(sim: World) {
    this.#sim = sim;
  }

  begins({ term, candidate }: Leadership): void {
    this.#told.push({ term, leader: candidate, fromMs: this.#sim.nowMs });
    // Who of two came later the believers judge, who know whose clocks were set back.
    const told = this.#told.map((one) => ({ ...one, fromMs: 0 }));
    const [violation] = checkLeaders(told).violations;
    if (violation !== undefined) this.#sim.fail("one leader a term", violation.message);
    this.#judge(term, candidate);
  }

  heard(term: number, candidate: string): void {
    this.#judge(term, candidate);
  }

  /** The newest term of which a write was acknowledged. */
  get acknowledged(): number {
    return this.#newestWrite;
  }

  read(term: number, atLeast: number): void {
    if (term >= atLeast) return;
    this.#sim.fail("no late write gets in", `read of term ${term}, although ${atLeast} wrote`);
  }

  wrote(term: number): void {
    this.#newestWrite = Math.max(this.#newestWrite, term);
  }

  fail(claim: string, message: string): void {
    this.#sim.fail(claim, message);
  }

  #judge(term: number, candidate: string): void {
    const known = this.#leaders.get(term) ?? candidate;
    this.#leaders.set(term, known);
    if (known === candidate) return;
    this.#sim.fail("observers hear the truth", `term ${term} is of ${known} and of ${candidate}`);
  }
}

/** One way to lead, drawn by lot. */
async function campaignOnce(life: Life): Promise<void> {
  const { process, election: campaigner } = life;
  life.belief = life.believers.ask(process);
  const luck = process.runtime.random.next();
  if (luck < 0.2) {
    await using leadership = await campaigner.campaign({ waitMs: WAIT_MS });
    await work(life, leadership, 400);
    return;
  }
  const stop = new AbortController();
  const afterMs = 2_000 + process.runtime.random.next() * 8_000;
  const timer = process.runtime.time.setTimer(afterMs, () => stop.abort());
  const worksMs = luck < 0.3 ? 4 * RESIGN_WITHIN_MS : 900;
  const body = async (leadership: Leadership): Promise<boolean> => {
    if (luck > 0.8) void handOver(life);
    await work(life, leadership, worksMs);
    return true;
  };
  try {
    const done = await campaigner.lead(body, { signal: stop.signal });
    if (done === undefined && !stop.signal.aborted) {
      life.terms.fail("only a stop or its work ends a candidate", `${process.name} has given up`);
    }
  } finally {
    timer.cancel();
  }
  // Cut off: nothing begins here before the old work has ended.
  while (life.working > 0) await process.sleep(50);
}

async function work(life: Life, leadership: Leadership, worksMs: number): Promise<void> {
  const { process, terms, guard } = life;
  const { random } = process.runtime;
  life.working += 1;
  if (life.working > 1) terms.fail("one work at a time", `${process.name} works twice`);
  try {
    terms.begins(leadership);
    life.belief.begin(asHeld(leadership));
    process.mark("led");
    const fenced = await guard.open(leadership, "job");
    const atLeast = terms.acknowledged;
    terms.read(Number(Buffer.from((await fenced.read()) ?? "0").toString()), atLeast);
    await fenced.write(String(leadership.term));
    terms.wrote(leadership.term);
    if (random.next() < 0.3) await leadership.publish({ at: worksMs });
    await process.sleep(random.next() * worksMs);
    leadership.check();
  } finally {
    life.belief.over();
    life.belief = life.believers.ask(process);
    life.working -= 1;
  }
}

/** What decides whether a leader believes. */
function asHeld(leadership: Leadership): HeldLock {
  return {
    fencingToken: leadership.term,
    weight: 1,
    get remainingMs() {
      // Whichever it asks first: both must know of the end by themselves.
      return leadership.isLeader ? 1 : leadership.remainingMs;
    },
  };
}

/** Hands over to another, if one waits. */
async function handOver({ process, election: campaigner }: Life): Promise<void> {
  const { random } = process.runtime;
  try {
    await process.sleep(random.next() * 300);
    const to = `candidate-${Math.floor(random.next() * COUNT)}`;
    if (to === process.name) return;
    const answer = await campaigner.transferTo(to, { withinMs: 1_000 });
    process.mark(answer.kind);
  } catch (error) {
    if (!isQuorateError(error)) throw error;
    process.mark(`transfer ${error.code}`);
  }
}

/** Looks on for a while. */
async function observeOnce(process: SimProcess, watched: Election, terms: Terms): Promise<void> {
  const stop = new AbortController();
  const forMs = process.runtime.random.next() * 20_000;
  const timer = process.runtime.time.setTimer(forMs, () => stop.abort());
  let newest = 0;
  try {
    for await (const { kind, term, leader } of watched.observe({ signal: stop.signal })) {
      if (term < newest) terms.fail("observers hear in order", `${term} after ${newest}`);
      if (kind === "elected" && term === newest) {
        terms.fail("observers hear none twice", `${term} twice`);
      }
      if (kind !== "vacant") newest = term;
      if (leader !== undefined) terms.heard(term, leader.candidate);
      process.mark(kind);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    timer.cancel();
  }
}
