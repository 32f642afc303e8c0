/**
 * A fleet runs one job of every second, whose ticks run once or are declared, whatever befalls the
 * processes and their clocks.
 */
import { createCron, type Cron, type JobState, type PastRun, type RunContext } from "@quorate/cron";
import type { SimProcess, World } from "@quorate/simulator";

import { DURATION_MS, KEEPING, type Scenario, TTL_MS, Workers } from "../scenario.ts";

const EVERY_MS = 1_000;
const JOB = "tick";

/** What nobody in the world can see at once: all runs, and what histories say of all ticks. */
class Ledger {
  readonly #sim: World;
  readonly #began = new Map<string, { attempt: number; token: number }>();
  readonly #done = new Map<string, string>();
  readonly #declared: { readonly fromMs: number; readonly toMs: number }[] = [];
  /** Claimed by those who died before they began, too. */
  readonly #crashed = new Set<string>();
  #accountedMs: number | undefined;
  /** A resource that refuses smaller tokens. */
  #floor = 0;
  /** Ticks up to here have been judged, as each was told. */
  readonly #judgedMs = new Map<string, number>();

  constructor(sim: World) {
    this.#sim = sim;
  }

  begin({ key, tick, attempt, fencingToken: token, manual }: RunContext): void {
    const before = this.#began.get(key);
    if (before !== undefined && attempt <= before.attempt) {
      this.#sim.fail("an attempt runs once", `${key} ran attempt ${attempt} again`);
    }
    if (before !== undefined && token <= before.token) {
      this.#sim.fail("tokens grow", `${key} has ${token} after ${before.token}`);
    }
    this.#began.set(key, { attempt, token });
    const ms = tick.getTime();
    const declared = this.#declared.some(({ fromMs, toMs }) => fromMs <= ms && ms <= toMs);
    if (declared && !manual) this.#sim.fail("what is declared does not run", key);
    if (attempt > 1) this.#sim.mark("ran again");
  }

  /** An effect: refused below the highest token, as a guard does. */
  write(token: number): boolean {
    if (token < this.#floor) this.#sim.mark("late effect refused");
    this.#floor = Math.max(this.#floor, token);
    return token === this.#floor;
  }

  read(history: readonly PastRun[]): void {
    for (const { key, outcome, tick, through, attempt, manual } of history) {
      this.#sim.mark(`was ${outcome}`);
      const [fromMs, toMs] = [tick.getTime(), (through ?? tick).getTime()];
      if (outcome === "missed" || outcome.startsWith("skipped-")) {
        if (!manual) this.#declare(fromMs, toMs);
      } else if (outcome === "crashed") this.#crashed.add(key);
      else if (outcome === "done") this.#end(key, `attempt ${attempt}`);
    }
  }

  /** What a process was told of the job. */
  told(name: string, { judgedUntil }: JobState): void {
    const judgedMs = judgedUntil.getTime();
    const before = this.#judgedMs.get(name) ?? 0;
    if (judgedMs < before) this.#sim.fail("ticks never go back", `${name}: to ${judgedMs}`);
    this.#judgedMs.set(name, judgedMs);
  }

  /** No tick is lost: what was judged by `state` has run, is about to, or was declared since. */
  account({ judgedUntil, running, waiting }: JobState): void {
    const judgedMs = judgedUntil.getTime();
    this.#accountedMs ??= judgedMs;
    const under = new Set(running.map(({ key }) => key));
    for (;;) {
      const ms: number = (Math.floor(this.#accountedMs / EVERY_MS) + 1) * EVERY_MS;
      if (ms > judgedMs) return;
      const key = `${JOB}@${new Date(ms).toISOString()}`;
      if (!this.#isKnown(key, ms)) {
        if (under.has(key) || waiting > 0) return; // Not yet: it is looked at again.
        return this.#sim.fail("no tick is lost in silence", key);
      }
      this.#accountedMs = ms;
    }
  }

  #isKnown(key: string, ms: number): boolean {
    if (this.#began.has(key) || this.#crashed.has(key)) return true;
    return this.#declared.some(({ fromMs, toMs }) => fromMs <= ms && ms <= toMs);
  }

  #declare(fromMs: number, toMs: number): void {
    const isKnown = this.#declared.some((one) => one.fromMs === fromMs && one.toMs === toMs);
    if (isKnown) return;
    this.#declared.push({ fromMs, toMs });
    for (const key of this.#began.keys()) {
      const [, instant = ""] = key.split("@");
      const ms = Date.parse(instant);
      if (ms >= fromMs && ms <= toMs) this.#sim.fail("what ran is not declared", key);
    }
  }

  #end(key: string, how: string): void {
    const before = this.#done.get(key);
    if (before !== undefined && before !== how) {
      this.#sim.fail("a tick is done once", `${key}: ${before}, then ${how}`);
    }
    this.#done.set(key, how);
    if (!this.#began.has(key)) this.#sim.fail("what is done was begun", key);
  }
}

/** One process's handler: short mostly, at times longer than a lease; and not all listen. */
async function runOnce(process: SimProcess, ledger: Ledger, run: RunContext): Promise<void> {
  const { random } = process.runtime;
  ledger.begin(run);
  process.mark("ran");
  const isLong = random.next() < 0.05;
  await process.sleep(isLong ? 2 * TTL_MS * random.next() : 300 * random.next());
  if (random.next() < 0.8) run.check();
  if (ledger.write(run.fencingToken)) process.mark("wrote");
  if (random.next() < 0.05) throw new Error("a mishap");
}

/** Now and then somebody looks, or does something by hand. */
async function byHand(process: SimProcess, ledger: Ledger, cron: Cron): Promise<void> {
  const { random } = process.runtime;
  const dice = random.next();
  if (dice < 0.05) {
    await cron.pause(JOB, { by: process.name, why: "chance" });
    await process.sleep(random.next() * 3_000);
    process.mark("paused");
  }
  await cron.resume(JOB);
  if (dice > 0.9) {
    await cron.trigger(JOB);
    process.mark("triggered");
  }
  for await (const state of cron.list()) {
    ledger.told(process.name, state);
    // Read later than the listing, so all that ended meanwhile is in it.
    ledger.read(await cron.history(JOB));
    ledger.account(state);
    process.mark("listed");
  }
}

/** Four processes, one job, a store that comes and goes. */
export const cron: Scenario = {
  name: "cron",
  claim: "a tick runs once per attempt, is done once, or is declared; and never goes back",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { ran: 5, listed: 5 },
  world(sim, engine) {
    const workers = new Workers(sim);
    const store = sim.store("store", { engine });
    const ledger = new Ledger(sim);
    sim.process("worker", {
      count: 4,
      main: async (process) => {
        const { random } = process.runtime;
        const fleet = createCron(store.backend(process), {
          name: process.name,
          leaseMs: TTL_MS,
          historyLimit: 200,
          missed: random.next() < 0.5 ? "once" : "skip",
          overlap: random.next() < 0.5 ? "skip" : "queue",
          onCrash: random.next() < 0.8 ? "retry" : "skip",
          ...(random.next() < 0.3 ? { timeoutMs: 2_000 } : {}),
          // Short enough for ticks to be late while none is on time.
          ...(random.next() < 0.5 ? { graceMs: 200 } : {}),
        });
        fleet.schedule(JOB, { everyMs: EVERY_MS }, (run) => runOnce(process, ledger, run));
        await process.sleep(random.next() * 2_000);
        await workers.forEver(process, async () => {
          await byHand(process, ledger, fleet);
          await process.sleep(random.next() * 3_000);
        });
      },
    });
  },
};
