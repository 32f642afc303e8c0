/**
 * Sagas of three steps: workers that die at any time start them, cancel them, and take up what the
 * others leave. The participants never die and know what each key came to; calls get lost, come
 * twice, and come late.
 */
import { isQuorateError, type Ms, type Random, refuse } from "@quorate/core";
import type { SimProcess, World } from "@quorate/simulator";
import { checkSagas, type SagaEffect } from "@quorate/simulator/checker";
import { createSagas, createWorker, type Saga, saga, type Sagas } from "@quorate/transaction";

import { DURATION_MS, KEEPING, type Scenario, TTL_MS, Workers } from "../scenario.ts";

const STEPS = ["reserve", "charge", "ship"];
/** Time after healing in which nothing may be open that is older than `BLOCKED_MS`. */
const RECOVERY_MS = 30_000;
/** A lease, a scan, the pauses between tries, the timeouts of each attempt. */
const BLOCKED_MS = 20_000;
const RECENT = 20;

type Outcome = "completed" | "compensated";

/** Four workers, each of which recovers what the others leave. */
export const sagaScenario: Scenario = {
  name: "saga",
  claim: "every saga ends done or undone, in order, as everybody was told, and none is left open",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { ended: 3 },
  world(sim, engine) {
    const workers = new Workers(sim);
    const store = sim.store("store", { engine });
    const shop = new Shop(sim);
    sim.eventually("no saga is left open", { withinMs: RECOVERY_MS }, () => {
      const open = shop.oldestOpen();
      return open === undefined || `${open.id} has been open for ${open.ageMs} ms`;
    });
    sim.process("worker", {
      count: 4,
      main: async (process) => {
        const backend = store.backend(process);
        const worker = createWorker(backend, { leaseMs: TTL_MS, scanMs: 5_000 });
        const sagas = createSagas(backend, { worker, maxTakeovers: 100 });
        const order = shop.definition(process);
        sagas.serve(order);
        const clerk = new Clerk(process, shop, sagas, order);
        await workers.forEver(process, () => clerk.doSomething());
      },
    });
  },
};

/** The participants, and what was announced. */
class Shop {
  readonly recent: string[] = [];
  readonly #sim: World;
  readonly #random: Random;
  readonly #effects = new Map<string, SagaEffect[]>();
  readonly #began = new Map<string, Ms>();
  readonly #states = new Map<string, "done" | "undone">();
  readonly #told = new Map<string, Outcome>();

  constructor(sim: World) {
    this.#sim = sim;
    this.#random = sim.random("shop");
  }

  began(id: string): void {
    this.recent.push(id);
    if (this.recent.length > RECENT) this.recent.shift();
  }

  /** Somebody was told how `id` ended: it must be so, in the world, at that moment and for ever. */
  told(id: string, outcome: Outcome): void {
    const before = this.#told.get(id);
    if (before !== undefined && before !== outcome) {
      this.#sim.fail("an announced outcome never changes", `${id}: ${before}, then ${outcome}`);
    }
    this.#told.set(id, outcome);
    const effects = this.#effects.get(id) ?? [];
    const { violations } = checkSagas([{ key: id, steps: STEPS, effects, outcome }]);
    const [first] = violations;
    if (first !== undefined) this.#sim.fail("a saga ends done or undone, in order", first.message);
  }

  /** The oldest saga that has effects and no end. */
  oldestOpen(): { readonly id: string; readonly ageMs: Ms } | undefined {
    for (const [id, atMs] of this.#began) {
      const ageMs = this.#sim.nowMs - atMs;
      const effects = this.#effects.get(id) ?? [];
      if (ageMs < BLOCKED_MS) continue;
      const fits = (outcome: Outcome): boolean =>
        checkSagas([{ key: id, steps: STEPS, effects, outcome }]).violations.length === 0;
      if (!fits("completed") && !fits("compensated")) return { id, ageMs };
    }
    return undefined;
  }

  definition(process: SimProcess): Saga<{ luck: number }, string> {
    const step = (name: string) => ({
      run: ({ id, input }: { id: string; input: { luck: number } }) =>
        this.#call(process, () => this.#act(id, name, input.luck)),
      undo: ({ id }: { id: string }) => this.#call(process, () => this.#undo(id, name)),
      timeoutMs: 1_500,
      undoTimeoutMs: 1_500,
      retry: { attempts: 4, baseMs: 50, maxMs: 500 },
      undoRetry: { attempts: 1_000, baseMs: 50, maxMs: 500 },
    });
    return saga("order", { version: 1, input: (input: { luck: number }) => input })
      .step("reserve", step("reserve"))
      .step("charge", step("charge"))
      .step("ship", step("ship"))
      .returns(({ out }) => out.ship);
  }

  /** An action: once per key, and never after its undo. */
  #act(id: string, step: string, luck: number): string {
    const key = `${id}/${step}`;
    const state = this.#states.get(key);
    if (state === "undone") throw refuse("undone before");
    if (state === "done") return step;
    // What is out of stock now may be there again for the next that asks.
    const isUnlucky = luck < 0.3 && step === STEPS[Math.floor(luck * 10)];
    if (isUnlucky && this.#random.next() < 0.7) throw refuse("bad luck");
    if (this.#told.has(id)) this.#sim.fail("nothing happens after the end", `${key} acted`);
    this.#states.set(key, "done");
    if (!this.#began.has(id)) this.#began.set(id, this.#sim.nowMs);
    this.#note(id, { kind: "action", step });
    return step;
  }

  #undo(id: string, step: string): void {
    const key = `${id}/${step}`;
    const before = this.#states.get(key);
    this.#states.set(key, "undone");
    if (before === "done") this.#note(id, { kind: "compensation", step });
  }

  #note(id: string, effect: SagaEffect): void {
    const effects = this.#effects.get(id) ?? [];
    this.#effects.set(id, [...effects, effect]);
  }

  /** A round trip: it may get lost, come twice, or land although nobody hears of it. */
  async #call<T>(process: SimProcess, act: () => T): Promise<T> {
    await process.sleep(this.#random.next() * 20);
    const luck = this.#random.next();
    if (luck < 0.03) throw new Error("not sent");
    if (luck < 0.12) {
      this.#later(act);
      if (luck < 0.08) throw new Error("no answer yet");
    }
    const answer = act();
    await process.sleep(this.#random.next() * 20);
    if (luck > 0.96) throw new Error("no answer");
    return answer;
  }

  #later(act: () => unknown): void {
    this.#sim.at(this.#sim.nowMs + this.#random.next() * 8_000, () => {
      try {
        act();
      } catch {
        // Nobody hears it.
      }
    });
  }
}

/** One process's orders. */
class Clerk {
  readonly #process: SimProcess;
  readonly #shop: Shop;
  readonly #sagas: Sagas;
  readonly #order: Saga<{ luck: number }, string>;
  #count = 0;

  constructor(
    process: SimProcess,
    shop: Shop,
    sagas: Sagas,
    order: Saga<{ luck: number }, string>,
  ) {
    this.#process = process;
    this.#shop = shop;
    this.#sagas = sagas;
    this.#order = order;
  }

  async doSomething(): Promise<void> {
    const luck = this.#process.runtime.random.next();
    if (luck < 0.15) await this.#cancel();
    else if (luck < 0.3) await this.#look();
    else await this.#place();
  }

  async #place(): Promise<void> {
    const { name, incarnation, runtime } = this.#process;
    this.#count += 1;
    const id = `${name}-${incarnation}-${this.#count}`;
    this.#shop.began(id);
    const input = { luck: runtime.random.next() };
    try {
      await this.#sagas.run(this.#order, { id, input }, { timeoutMs: 10_000 });
      this.#shop.told(id, "completed");
      this.#process.mark("ended");
    } catch (error) {
      if (!isQuorateError(error, "SAGA_COMPENSATED")) throw error;
      this.#shop.told(id, "compensated");
      this.#process.mark("ended");
      this.#process.mark("compensated");
    }
  }

  async #cancel(): Promise<void> {
    const control = await this.#sagas.get(this.#pick());
    if (control === undefined) return;
    await control.cancel({ by: this.#process.name, why: "changed my mind" });
    this.#process.mark("cancelled");
  }

  async #look(): Promise<void> {
    const id = this.#pick();
    const seen = await this.#sagas.inspect(id);
    if (seen?.state === "done") this.#shop.told(id, "completed");
    if (seen?.state === "compensated") this.#shop.told(id, "compensated");
    this.#process.mark("looked");
  }

  #pick(): string {
    const { recent } = this.#shop;
    return recent[Math.floor(this.#process.runtime.random.next() * recent.length)] ?? "none";
  }
}
