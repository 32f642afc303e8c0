/**
 * Try, confirm, cancel: workers that die at any time move money between two vaults, book a seat,
 * and add a line to a statement. The vaults keep their marks with their money; the seats are an
 * effect elsewhere, behind a barrier in the store; the statement is a guarded record in the store.
 * Calls get lost, come twice, and come late.
 */
import { isQuorateError, type Ms, type Random, refuse } from "@quorate/core";
import type { SimProcess, World } from "@quorate/simulator";
import {
  applyOnce,
  type BarrierOperation,
  type BranchContext,
  createBarrier,
  createTcc,
  type GuardedRecord,
  type Marks,
  NO_MARKS,
  type PassContext,
  type Tcc,
  type TccDecision,
  type TccParticipant,
} from "@quorate/transaction";

import { DURATION_MS, KEEPING, type Scenario, TTL_MS, Workers } from "../scenario.ts";

const DEADLINE_MS = 4_000;
/** Time after healing in which nothing may be left undecided that is older than `BLOCKED_MS`. */
const RECOVERY_MS = 30_000;
/** Deadline or lease, a scan, and the pauses between tries. */
const BLOCKED_MS = 15_000;
const RECENT = 20;
const WEALTH = 1_000;

/** Cents, and nothing else. */
type Cents = { readonly cents: number };
type Operation = BarrierOperation;
type Lines = { readonly [id: string]: string };

/** Four workers, each of which recovers what the others leave. */
export const tcc: Scenario = {
  name: "tcc",
  claim:
    "every branch is confirmed or every one is cancelled, as everybody was told, and none hangs",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { moved: 3 },
  world(sim, engine) {
    const workers = new Workers(sim);
    const store = sim.store("store", { engine });
    const truth = new Truth(sim);
    const from = new Vault(sim, truth, "from", -1);
    const to = new Vault(sim, truth, "to", 1);
    const seats = new Seats(sim, truth);
    sim.eventually("nothing hangs, and no money is lost", { withinMs: RECOVERY_MS }, () => {
      const oldest = Math.max(from.oldestMs(), to.oldestMs(), seats.oldestMs());
      if (oldest >= BLOCKED_MS) return `a branch has been held for ${oldest} ms`;
      if (!from.isBalanced() || !to.isBalanced()) return "a vault is not balanced";
      return truth.lost(from, to) ?? true;
    });
    sim.process("worker", {
      count: 4,
      main: async (process) => {
        const backend = store.backend(process);
        const barrier = createBarrier(backend, { leaseMs: 2_000, waitMs: 1_000 });
        const statement = barrier.record<Lines>("statements/all", { empty: {}, maxMarks: 100_000 });
        const all = createTcc(backend, {
          ...{ leaseMs: TTL_MS, deadlineMs: DEADLINE_MS, callTimeoutMs: 2_500, settleMs: 3_000 },
          ...{ maxRetryMs: 1_000, skewMs: 100 },
        });
        all.serve("transfer", {
          debit: from.participant(process),
          credit: to.participant(process),
          seat: seats.participant(process, barrier),
          line: linesOf(truth, statement),
        } as never);
        const teller = new Teller(process, truth, { tcc: all, vaults: [from, to], statement });
        await workers.forEver(process, () => teller.doSomething());
      },
    });
  },
};

/** How each transaction ended, from whoever said so first; nobody may say otherwise. */
class Truth {
  readonly #sim: World;
  readonly #decisions = new Map<string, { decision: TccDecision; by: string; atMs: Ms }>();
  readonly recent: string[] = [];

  constructor(sim: World) {
    this.#sim = sim;
  }

  began(id: string): void {
    this.recent.push(id);
    if (this.recent.length > RECENT) this.recent.shift();
  }

  says(id: string, decision: TccDecision, by: string): void {
    const before = this.#decisions.get(id);
    if (before === undefined) this.#decisions.set(id, { decision, by, atMs: this.#sim.nowMs });
    else if (before.decision !== decision) {
      const message = `${id} ${before.decision} by ${before.by}, and ${decision} by ${by}`;
      this.#sim.fail("all or none, and everybody is told the same", message);
    }
  }

  stuck(id: string, branch: string): void {
    this.#sim.fail("a decision can be carried out", `${id}: the barrier of ${branch} refuses it`);
  }

  /** Money that left one vault long ago, and never reached the other. */
  lost(from: Vault, to: Vault): string | undefined {
    for (const [id, { atMs }] of this.#decisions) {
      if (this.#sim.nowMs - atMs < BLOCKED_MS) continue;
      const [left, arrived] = [from.confirmed.get(id) ?? 0, to.confirmed.get(id) ?? 0];
      if (left !== arrived) return `${id}: ${left} left, ${arrived} arrived`;
    }
    return undefined;
  }
}

/** A round trip: the call may land although nobody hears of it, even when all is long over. */
async function call<T>(sim: World, process: SimProcess, random: Random, act: () => T): Promise<T> {
  await process.sleep(random.next() * 20);
  const luck = random.next();
  if (luck < 0.02) throw new Error("not sent");
  const quietly = (): void => {
    try {
      act();
    } catch {
      // Nobody hears it.
    }
  };
  if (luck < 0.08) {
    sim.at(sim.nowMs + random.next() * 8_000, quietly);
    throw new Error("no answer yet");
  }
  const answer = act();
  if (luck < 0.12) sim.at(sim.nowMs + random.next() * 8_000, quietly); // A copy is on its way.
  await process.sleep(random.next() * 20);
  if (luck > 0.97) throw new Error("no answer");
  return answer;
}

/** A vault that never dies, and keeps the barrier's marks with its money. */
class Vault {
  readonly confirmed: Map<string, number> = new Map();
  readonly #sim: World;
  readonly #truth: Truth;
  readonly #name: string;
  readonly #sign: 1 | -1;
  readonly #random: Random;
  readonly #held = new Map<string, { readonly cents: number; readonly atMs: Ms }>();
  #marks: Marks = NO_MARKS;
  #free = WEALTH;

  constructor(sim: World, truth: Truth, name: string, sign: 1 | -1) {
    this.#sim = sim;
    this.#truth = truth;
    this.#name = name;
    this.#sign = sign;
    this.#random = sim.random(`vault ${name}`);
  }

  oldestMs(): Ms {
    const times = [...this.#held.values()].map(({ atMs }) => this.#sim.nowMs - atMs);
    return Math.max(0, ...times);
  }

  /** Whether what is there, what is held and what has moved make up what there was. */
  isBalanced(): boolean {
    const sum = (all: readonly number[]): number => all.reduce((total, one) => total + one, 0);
    const held = sum([...this.#held.values()].map(({ cents }) => cents));
    const moved = this.#sign * sum([...this.confirmed.values()]);
    return this.#free === WEALTH + moved - (this.#sign < 0 ? held : 0);
  }

  holds(id: string): boolean {
    return this.#held.has(id);
  }

  /** As `process` uses it. */
  participant(process: SimProcess): TccParticipant<Cents> {
    const asked = (operation: Operation) => (context: BranchContext<Cents>) =>
      call(this.#sim, process, this.#random, () => this.#do(operation, context));
    return { try: asked("try"), confirm: asked("confirm"), cancel: asked("cancel") };
  }

  #do(operation: Operation, { id, branch, input }: BranchContext<Cents>): void {
    if (operation !== "try") this.#truth.says(id, operation, this.#name);
    const once = { branch, operation, nowMs: this.#sim.nowMs, maxMarks: 1_000_000 };
    const applied = applyOnce(this.#marks, once, () => this.#apply(operation, id, input.cents));
    this.#marks = applied.marks;
    if (applied.kind === "refused") throw applied.error;
  }

  #apply(operation: Operation, id: string, cents: number): void {
    if (operation === "try") {
      if (this.#random.next() < 0.05) throw refuse("bad luck");
      if (this.#sign < 0) this.#free -= cents;
      if (this.#held.has(id)) this.#sim.fail("effects are applied once", `${id} tried twice`);
      this.#held.set(id, { cents, atMs: this.#sim.nowMs });
      return;
    }
    const held = this.#held.get(id)?.cents;
    if (held === undefined) this.#sim.fail("effects are applied once", `${id} ${operation}`);
    this.#held.delete(id);
    if (operation === "confirm") this.confirmed.set(id, held ?? 0);
    if ((operation === "confirm") === this.#sign > 0) this.#free += held ?? 0;
  }
}

/** A booking system that knows nothing of marks: idempotent by key, and it refuses old tokens. */
class Seats {
  readonly #sim: World;
  readonly #truth: Truth;
  readonly #random: Random;
  readonly #seats = new Map<string, { state: "held" | "sold" | "free"; atMs: Ms; token: number }>();

  constructor(sim: World, truth: Truth) {
    this.#sim = sim;
    this.#truth = truth;
    this.#random = sim.random("seats");
  }

  oldestMs(): Ms {
    const held = [...this.#seats.values()].filter(({ state }) => state === "held");
    return Math.max(0, ...held.map(({ atMs }) => this.#sim.nowMs - atMs));
  }

  participant(process: SimProcess, barrier: ReturnType<typeof createBarrier>): TccParticipant {
    const asked =
      (operation: Operation, state: "held" | "sold" | "free") => (context: BranchContext) => {
        if (operation !== "try") this.#truth.says(context.id, operation, "the seats");
        return barrier[operation](context.branch, ({ branch, fencingToken }: PassContext) =>
          call(this.#sim, process, this.#random, () => this.#set(branch, state, fencingToken)),
        );
      };
    return {
      try: asked("try", "held"),
      confirm: asked("confirm", "sold"),
      cancel: asked("cancel", "free"),
    };
  }

  #set(branch: string, state: "held" | "sold" | "free", token: number): void {
    const seat = this.#seats.get(branch);
    if (token < (seat?.token ?? 0)) throw new Error("an old token");
    const isFirst = seat === undefined && state === "sold";
    const isTurned = seat !== undefined && state === "held" && seat.state !== "held";
    const isWrong = seat?.state === "sold" ? state === "free" : seat?.state === "free";
    if (isFirst || isTurned || (isWrong && state !== seat?.state)) {
      this.#sim.fail("a seat is held, then sold or free", `${branch}: ${seat?.state}, ${state}`);
    }
    const atMs = seat?.state === state ? seat.atMs : this.#sim.nowMs;
    this.#seats.set(branch, { state, atMs, token });
  }
}

/** Lines of a statement: one JSON value in the store, with its marks. */
function linesOf(truth: Truth, statement: GuardedRecord<Lines>): TccParticipant {
  const set = (operation: Operation, word: string | undefined) => (context: BranchContext) => {
    const { id, branch } = context;
    if (operation !== "try") truth.says(id, operation, "the statement");
    return statement[operation](branch, (lines) => {
      const { [id]: _, ...others } = lines;
      return { value: word === undefined ? others : { ...others, [id]: word } };
    });
  };
  return {
    try: set("try", "held"),
    confirm: set("confirm", "sold"),
    cancel: set("cancel", undefined),
  };
}

interface Counter {
  readonly tcc: Tcc;
  readonly vaults: readonly Vault[];
  readonly statement: GuardedRecord<Lines>;
}

/** One process's transactions. */
class Teller {
  readonly #process: SimProcess;
  readonly #truth: Truth;
  readonly #counter: Counter;
  #count = 0;

  constructor(process: SimProcess, truth: Truth, counter: Counter) {
    this.#process = process;
    this.#truth = truth;
    this.#counter = counter;
  }

  async doSomething(): Promise<void> {
    const { random } = this.#process.runtime;
    if (random.next() < 0.3) await this.#ask();
    else if (random.next() < 0.2) await this.#read();
    else await this.#move();
  }

  async #move(): Promise<void> {
    const { name, incarnation, runtime } = this.#process;
    const { random } = runtime;
    this.#count += 1;
    const id = `${name}-${incarnation}-${this.#count}`;
    const cents = 1 + Math.floor(random.next() * 5);
    try {
      await this.#counter.tcc.run("transfer", { id }, async (t) => {
        // From here on there is a record; nobody asks about what he holds nothing of.
        this.#truth.began(id);
        await t.branch("debit", { cents });
        await this.#process.sleep(random.next() * 200);
        await Promise.all([
          t.branch("credit", { cents }),
          ...(random.next() < 0.5 ? [t.branch("seat", null)] : []),
          ...(random.next() < 0.5 ? [t.branch("line", null)] : []),
        ]);
        if (random.next() < 0.1) throw refuse("changed my mind");
      });
      this.#truth.says(id, "confirm", "its caller");
      this.#told(id, true);
      this.#process.mark("moved");
    } catch (error) {
      if (!isQuorateError(error, "TRANSACTION_ABORTED")) throw error;
      this.#truth.says(id, "cancel", "its caller");
      this.#told(id, false);
      this.#process.mark("aborted");
    }
  }

  /** What a caller was told holds at that moment at every participant. */
  #told(id: string, isConfirmed: boolean): void {
    for (const vault of this.#counter.vaults) {
      if (!vault.holds(id) && vault.confirmed.has(id) === isConfirmed) continue;
      this.#truth.says(id, isConfirmed ? "cancel" : "confirm", "a vault that was not told");
    }
  }

  async #ask(): Promise<void> {
    const id = this.#pick();
    if (id === undefined) return;
    const answer = await this.#counter.tcc.decision(id);
    this.#process.mark(`answered ${answer}`);
    if (answer !== "pending") this.#truth.says(id, answer, "one who asked");
  }

  async #read(): Promise<void> {
    const lines = await this.#counter.statement.read();
    for (const [id, word] of Object.entries(lines)) {
      if (word === "sold") this.#truth.says(id, "confirm", "a reader");
    }
    this.#process.mark("read");
    for await (const { id, branches } of this.#counter.tcc.list({ stuck: true })) {
      // A participant may be out of reach for long; it may not say no to what is decided.
      const no = branches.find(({ error }) => error === "BARRIER_REFUSED");
      if (no !== undefined) this.#truth.stuck(id, no.name);
    }
  }

  #pick(): string | undefined {
    const { recent } = this.#truth;
    return recent[Math.floor(this.#process.runtime.random.next() * recent.length)];
  }
}
