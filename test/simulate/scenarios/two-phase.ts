/**
 * Two-phase commit: workers that die at any time move rows into two databases, a collection of the
 * store and a database that cannot prepare. The databases are seen from above: what they were told,
 * and how long a branch has been prepared.
 */
import { isQuorateError, type Ms, type Random } from "@quorate/core";
import type { SimProcess, World } from "@quorate/simulator";
import {
  type Ballot,
  type BegunBranch,
  createTwoPhase,
  kvParticipant,
  type KvParticipant,
  type Participant,
  type TwoPhase,
  type TwoPhaseAnswer,
  type TwoPhaseBranch,
  type TwoPhaseDecision,
} from "@quorate/transaction";

import { branchName, parseBranchName } from "../../../packages/transaction/src/two-phase/branch.ts";
import { DURATION_MS, KEEPING, type Scenario, TTL_MS, Workers } from "../scenario.ts";

const DEADLINE_MS = 4_000;
/** Time after healing in which nothing may be left prepared that is older than `BLOCKED_MS`. */
const RECOVERY_MS = 30_000;
/** Deadline or lease, a scan, a sweep, and the pauses between tries. */
const BLOCKED_MS = 15_000;
const RECENT = 20;

/** What the work is given by a database. */
interface Rows {
  write(row: string): void;
}

type Served = {
  readonly a: Participant<Rows>;
  readonly b: Participant<Rows>;
  readonly last: Participant<Rows>;
  readonly stock: KvParticipant;
};

const GROUPS: readonly (readonly (keyof Served)[])[] = [
  ["a", "b"],
  ["a", "b", "stock"],
  ["b", "stock"],
  ["a", "b", "last"],
  ["last", "stock"],
];

/** Four workers, each of which recovers what the others leave. */
export const twoPhase: Scenario = {
  name: "two-phase",
  claim: "all participants commit or none does, as everybody was told, and nothing stays prepared",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { committed: 3 },
  world(sim, engine) {
    const workers = new Workers(sim);
    const store = sim.store("store", { engine });
    const truth = new Truth(sim);
    const a = new Database(sim, truth, "a");
    const b = new Database(sim, truth, "b");
    const last = new Database(sim, truth, "last");
    sim.eventually("nothing stays prepared", { withinMs: RECOVERY_MS }, () => {
      const oldest = Math.max(a.oldestMs(), b.oldestMs());
      return oldest < BLOCKED_MS || `a branch has been prepared for ${oldest} ms`;
    });
    sim.process("worker", {
      count: 4,
      main: async (process) => {
        const backend = store.backend(process);
        const stock = kvParticipant(backend, "stock");
        const all = createTwoPhase(backend, {
          leaseMs: TTL_MS,
          deadlineMs: DEADLINE_MS,
          callTimeoutMs: 1_500,
          settleMs: 3_000,
          sweepMs: 3_000,
          maxRetryMs: 1_000,
        }).serve({
          a: a.participant(process),
          b: b.participant(process),
          last: last.lastResource(process),
          stock,
        });
        const teller = new Teller(process, truth, all, { a, b });
        await workers.forEver(process, () => teller.doSomething(stock));
      },
    });
  },
};

/** How each transaction ended, from whoever said so first; nobody may say otherwise. */
class Truth {
  readonly #sim: World;
  readonly #decisions = new Map<string, { decision: TwoPhaseDecision; by: string }>();
  readonly recent: string[] = [];
  /** Transactions with the collection whose callers were told that all is done. */
  readonly stocked = new Set<string>();

  constructor(sim: World) {
    this.#sim = sim;
  }

  /** A reader of the collection found nothing of `id`. */
  mustNotBeStocked(id: string): void {
    this.#sim.fail("what is committed is seen", `${id} is not in the collection`);
  }

  began(id: string): void {
    this.recent.push(id);
    if (this.recent.length > RECENT) this.recent.shift();
  }

  says(id: string, decision: TwoPhaseDecision, by: string): void {
    const before = this.#decisions.get(id);
    if (before === undefined) this.#decisions.set(id, { decision, by });
    else if (before.decision !== decision) {
      const message = `${id} ${before.decision} by ${before.by}, and ${decision} by ${by}`;
      this.#sim.fail("all or none, and everybody is told the same", message);
    }
  }
}

/** A database that never dies. Messages to it and from it may be lost, and come late. */
class Database {
  readonly #sim: World;
  readonly #truth: Truth;
  readonly #name: string;
  readonly #random: Random;
  readonly #prepared = new Map<string, { readonly rows: readonly string[]; readonly atMs: Ms }>();
  readonly #rows = new Map<string, number>();
  readonly #readOnly = new Set<string>();
  readonly #status = new Map<string, TwoPhaseDecision>();

  constructor(sim: World, truth: Truth, name: string) {
    this.#sim = sim;
    this.#truth = truth;
    this.#name = name;
    this.#random = sim.random(`database ${name}`);
  }

  /** How long the oldest branch has been prepared. */
  oldestMs(): Ms {
    const times = [...this.#prepared.values()].map(({ atMs }) => this.#sim.nowMs - atMs);
    return Math.max(0, ...times);
  }

  /** Its transaction's caller was told that all is done. */
  mustShow(id: string): void {
    if (this.#rows.has(id)) return;
    this.#sim.fail("run resolves when all have carried it out", `${id} at ${this.#name}`);
  }

  /** As `process` uses it. */
  participant(process: SimProcess): Participant<Rows> {
    return {
      kind: "database",
      begin: async (branch) => this.#begin(process, branch),
      commit: (branch) => this.#call(process, () => this.#commit(branch)),
      abort: (branch) => this.#call(process, () => this.#abort(branch)),
      inDoubt: (prefix) =>
        this.#call(process, () =>
          [...this.#prepared]
            .filter(([name]) => name.startsWith(prefix))
            .map(([name, { atMs }]) => ({
              branch: parseBranchName(name) as TwoPhaseBranch,
              ageMs: this.#sim.nowMs - atMs,
            })),
        ),
    };
  }

  /** Without prepare. */
  lastResource(process: SimProcess): Participant<Rows> {
    const settle = (branch: TwoPhaseBranch, rows?: readonly string[]): TwoPhaseDecision => {
      const name = branchName(branch);
      const decision = this.#status.get(name) ?? (rows === undefined ? "aborted" : "committed");
      if (!this.#status.has(name)) {
        if (decision === "committed") this.#apply(branch, rows ?? []);
        this.#truth.says(branch.id, decision, "the last resource");
      }
      this.#status.set(name, decision);
      return decision;
    };
    return {
      kind: "database",
      isLastResource: true,
      begin: async (branch) => {
        const rows: string[] = [];
        return {
          handle: { write: (row) => void rows.push(row) },
          prepare: async () => ({ vote: "yes" }),
          release: async () => {},
          commitLast: () => this.#call(process, () => settle(branch, rows)),
        };
      },
      settle: (branch) => this.#call(process, () => settle(branch)),
      commit: async () => {},
      abort: async () => {},
    };
  }

  #begin(process: SimProcess, branch: TwoPhaseBranch): BegunBranch<Rows> {
    const rows: string[] = [];
    let isReleased = false;
    return {
      handle: { write: (row) => void rows.push(row) },
      release: async () => void (isReleased = true),
      prepare: async () => {
        const luck = this.#random.next();
        if (luck < 0.04) return { vote: "no", why: "bad luck" };
        if (luck < 0.1) await process.sleep(this.#random.next() * 5_000);
        const isReadOnly = rows.length === 0;
        // Looked at when it is sent: what is on its way lands, whoever has given it up.
        if (isReleased) return { vote: "no", why: "it was released" };
        return this.#call(process, (): Ballot => {
          if (isReadOnly) {
            // Whoever settles a last resource does not know the votes, and tells all.
            this.#readOnly.add(branch.id);
            return { vote: "read-only" };
          }
          this.#prepared.set(branchName(branch), { rows: [...rows], atMs: this.#sim.nowMs });
          return { vote: "yes" };
        });
      },
    };
  }

  #commit(branch: TwoPhaseBranch): void {
    const name = branchName(branch);
    this.#truth.says(branch.id, "committed", this.#name);
    const prepared = this.#prepared.get(name);
    if (prepared !== undefined) this.#apply(branch, prepared.rows);
    else if (!this.#rows.has(branch.id) && !this.#readOnly.has(branch.id)) {
      this.#sim.fail("only a yes is told to commit", `${branch.id} at ${this.#name}`);
    }
    this.#prepared.delete(name);
  }

  #abort(branch: TwoPhaseBranch): void {
    this.#truth.says(branch.id, "aborted", this.#name);
    this.#prepared.delete(branchName(branch));
  }

  #apply({ id }: TwoPhaseBranch, rows: readonly string[]): void {
    const count = (this.#rows.get(id) ?? 0) + rows.length;
    this.#rows.set(id, count);
    if (count > 1) this.#sim.fail("effects are applied once", `${id} twice at ${this.#name}`);
  }

  /** A round trip: the order may land although nobody hears of it, even when all is long over. */
  async #call<T>(process: SimProcess, act: () => T): Promise<T> {
    await process.sleep(this.#random.next() * 20);
    const luck = this.#random.next();
    if (luck < 0.02) throw new Error("not sent");
    if (luck < 0.05) {
      this.#sim.at(this.#sim.nowMs + this.#random.next() * 8_000, () => void act());
      throw new Error("no answer yet");
    }
    const answer = act();
    await process.sleep(this.#random.next() * 20);
    if (luck < 0.08) throw new Error("no answer");
    return answer;
  }
}

/** One process's transactions. */
class Teller {
  readonly #process: SimProcess;
  readonly #truth: Truth;
  readonly #twoPhase: TwoPhase<Served>;
  readonly #databases: { readonly a: Database; readonly b: Database };
  #count = 0;

  constructor(
    process: SimProcess,
    truth: Truth,
    all: TwoPhase<Served>,
    databases: { readonly a: Database; readonly b: Database },
  ) {
    this.#databases = databases;
    this.#process = process;
    this.#truth = truth;
    this.#twoPhase = all;
  }

  async doSomething(stock: KvParticipant): Promise<void> {
    const { random } = this.#process.runtime;
    if (random.next() < 0.3) await this.#ask();
    else if (random.next() < 0.2) await this.#read(stock);
    else await this.#move();
  }

  async #move(): Promise<void> {
    const { random } = this.#process.runtime;
    const { name, incarnation } = this.#process;
    this.#count += 1;
    const id = `${name}-${incarnation}-${this.#count}`;
    const group = GROUPS[Math.floor(random.next() * GROUPS.length)] ?? [];
    this.#truth.began(id);
    try {
      const written: ("a" | "b")[] = [];
      await this.#twoPhase.run(id, group, async (given) => {
        const handles = given as Partial<typeof given>;
        for (const database of ["a", "b"] as const) {
          if (handles[database] === undefined || random.next() < 0.1) continue;
          handles[database].write(id);
          written.push(database);
        }
        handles.last?.write(id);
        if (handles.stock !== undefined) {
          handles.stock.put(id, id);
          const count = Number((await handles.stock.get("hot")) ?? "0");
          if (random.next() < 0.5) handles.stock.put("hot", String(count + 1));
        }
        await this.#process.sleep(random.next() * 200);
      });
      if (group.includes("stock")) this.#truth.stocked.add(id);
      for (const database of written) this.#databases[database].mustShow(id);
      this.#truth.says(id, "committed", "its caller");
      this.#process.mark("committed");
    } catch (error) {
      if (!isQuorateError(error)) throw error;
      this.#process.mark(`told ${error.code} ${error.effect}`);
      if (error.effect === "none") this.#truth.says(id, "aborted", "its caller");
      if (error.effect === "applied") this.#truth.says(id, "committed", "its caller");
      if (error.code !== "TRANSACTION_ABORTED") throw error;
    }
  }

  async #ask(): Promise<void> {
    const id = this.#pick();
    if (id === undefined) return;
    const answer: TwoPhaseAnswer | undefined = await this.#twoPhase.decision(id);
    this.#process.mark(`answered ${answer ?? "nothing"}`);
    if (answer === "committed" || answer === "aborted")
      this.#truth.says(id, answer, "one who asked");
  }

  /** What a reader of the collection sees is what was decided before it looked. */
  async #read(stock: KvParticipant): Promise<void> {
    const id = this.#pick();
    if (id === undefined) return;
    const isStocked = this.#truth.stocked.has(id);
    const value = await stock.get(id);
    if (value !== undefined) this.#truth.says(id, "committed", "a reader");
    if (value === undefined && isStocked) this.#truth.mustNotBeStocked(id);
    this.#process.mark(value === undefined ? "read nothing" : "read");
  }

  #pick(): string | undefined {
    const { recent } = this.#truth;
    return recent[Math.floor(this.#process.runtime.random.next() * recent.length)];
  }
}
