/**
 * A database that all processes of a scripted world reach, and that never dies: rows, branches that
 * were prepared, and what it was told, in order.
 */
import { sleep } from "@quorate/core";
import { type TestProcess, World } from "../kernel/world.fixture.ts";
import { type Branch, branchName, parseBranchName } from "./branch.ts";
import { createTwoPhase } from "./engine.ts";
import type { Vote } from "./machine.ts";
import type { TwoPhaseOptions } from "./options.ts";
import type { Participant } from "./participant.ts";
import type { TwoPhase } from "./two-phase.ts";

/** What the work is given. */
export interface LedgerHandle {
  write(row: string): void;
}

/** How a database behaves. */
export interface Behaviour {
  vote?: Vote;
  /** Of each prepare. */
  prepareMs?: number;
  /** Prepares, and its process dies before it can say so. */
  onPrepared?: () => void;
  /** Its answer to a prepare never comes; what was asked happens all the same, this much later. */
  lateMs?: number;
  /** Orders are refused until this many have come. */
  refusals?: number;
  beginFails?: boolean;
}

/** A database. */
export class Ledger {
  readonly rows: string[] = [];
  readonly told: string[] = [];
  readonly prepared = new Map<string, readonly string[]>();
  behaviour: Behaviour = {};
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** As one process uses it. */
  participant(process: TestProcess): Participant<LedgerHandle> {
    const pause = (ms: number): Promise<void> => sleep(process.backend.runtime, ms);
    return {
      kind: "ledger",
      begin: async (branch) => {
        this.told.push(`begin ${branch.id}`);
        if (this.behaviour.beginFails === true) throw new Error("no connection");
        const rows: string[] = [];
        let isReleased = false;
        return {
          handle: { write: (row) => void rows.push(row) },
          prepare: async () => {
            const { vote = "yes", prepareMs = 0, lateMs, onPrepared } = this.behaviour;
            await pause(prepareMs);
            this.told.push(`prepare ${branch.id}`);
            if (vote !== "yes") return { vote, why: "it said so" };
            if (lateMs !== undefined) {
              void this.#world.work(lateMs).then(() => this.#prepare(branch, rows));
              throw new Error("no answer");
            }
            if (!isReleased) this.#prepare(branch, rows);
            onPrepared?.();
            return { vote };
          },
          release: async () => void (isReleased = true),
        };
      },
      commit: (branch) => this.#order(branch, "commit"),
      abort: (branch) => this.#order(branch, "abort"),
      inDoubt: async (prefix) =>
        [...this.prepared.keys()]
          .filter((name) => name.startsWith(prefix))
          .map((name) => ({ branch: parseBranchName(name) as Branch, ageMs: 1 })),
    };
  }

  #prepare(branch: Branch, rows: readonly string[]): void {
    this.prepared.set(branchName(branch), rows);
  }

  async #order(branch: Branch, order: "commit" | "abort"): Promise<void> {
    this.told.push(`${order} ${branch.id}`);
    const { refusals = 0 } = this.behaviour;
    if (refusals > 0) {
      this.behaviour = { ...this.behaviour, refusals: refusals - 1 };
      throw new Error("not now");
    }
    const name = branchName(branch);
    if (order === "commit") this.rows.push(...(this.prepared.get(name) ?? []));
    this.prepared.delete(name);
  }
}

/** Participants of a bank. */
export type Bank = {
  readonly a: Participant<LedgerHandle>;
  readonly b: Participant<LedgerHandle>;
};

/** One process that moves money between two databases. */
export interface Teller {
  readonly process: TestProcess;
  readonly twoPhase: TwoPhase<Bank>;
  /** Writes `id` into both, and says `moved`. */
  move(id: string, deadlineMs?: number): Promise<string>;
  /** Writes of transactions' records, so far. */
  writes(): number;
}

/** A world with two databases. */
export class BankWorld extends World {
  readonly a: Ledger = new Ledger(this);
  readonly b: Ledger = new Ledger(this);

  /** Starts a process. */
  teller(options: TwoPhaseOptions = {}, process: TestProcess = this.process()): Teller {
    const base = { leaseMs: 3_000, deadlineMs: 5_000, callTimeoutMs: 2_000 };
    const twoPhase = createTwoPhase(process.backend, { ...base, ...options }).serve({
      a: this.a.participant(process),
      b: this.b.participant(process),
    }) as unknown as TwoPhase<Bank>;
    return {
      process,
      twoPhase,
      move: (id, deadlineMs) =>
        twoPhase.run(
          id,
          ["a", "b"],
          ({ a, b }) => {
            a.write(id);
            b.write(id);
            return "moved";
          },
          deadlineMs === undefined ? {} : { deadlineMs },
        ),
      writes: () => process.calls.made.filter((call) => call.startsWith("put two-phase/")).length,
    };
  }

  /** `both` or `none` have the row; anything else is told in words. */
  stateOf(id: string): string {
    const [a, b] = [this.a, this.b].map(({ rows }) => rows.filter((row) => row === id).length);
    const prepared = this.a.prepared.size + this.b.prepared.size;
    if (prepared > 0) return `${prepared} prepared`;
    if (a === 1 && b === 1) return "both";
    return a === 0 && b === 0 ? "none" : `a ${a} times, b ${b} times`;
  }
}
