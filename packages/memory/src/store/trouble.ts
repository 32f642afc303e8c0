/**
 * Trouble: what a server that runs may still refuse, or fail to answer.
 *
 * A full disk refuses writes and says so. A store without a leader refuses some questions, leaves
 * others unanswered, and may yet apply a write that it left unanswered once there is a leader
 * again: whoever heard nothing knows nothing.
 */
import { QuorateError, type Random } from "@quorate/core";

/** Thrown at the store instead of an answer: none is sent. */
export class NoAnswer extends Error {}

/** Writes that wait for a leader; further ones are dropped. */
const MAX_DEFERRED = 10_000;

/** Decides what becomes of each question on data. Messages of the bus are none of its business. */
export interface Trouble {
  /** Answers with `run`, throws a `QuorateError` to refuse, or `NoAnswer`. */
  serve<T>(kind: "read" | "write", operation: string, run: () => T): T;
}

/** The disk is full. */
export const DISK_FULL: Trouble = {
  serve(kind, operation, run) {
    if (kind === "read") return run();
    const reason = "the store takes no writes: its disk is full";
    const message = `${operation} was refused: ${reason}`;
    throw new QuorateError("STORE_REFUSED", message, {
      effect: "none",
      details: { operation, reason },
    });
  },
};

/** Nobody leads. */
export class Leaderless implements Trouble {
  readonly #random: Pick<Random, "next">;
  #deferred: (() => unknown)[] = [];

  constructor(random: Pick<Random, "next">) {
    this.#random = random;
  }

  serve<T>(kind: "read" | "write", operation: string, run: () => T): T {
    const chance = this.#random.next();
    if (chance < 1 / 3) throw leaderless(operation);
    const mayLand = kind === "write" && chance < 2 / 3 && this.#deferred.length < MAX_DEFERRED;
    if (mayLand) this.#deferred.push(run);
    throw new NoAnswer();
  }

  /** There is a leader again: what reached the log before is applied, in order. */
  end(): void {
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const run of deferred) {
      try {
        run();
      } catch (error) {
        // Whoever asked has long been told that nobody knows.
        if (!(error instanceof QuorateError)) throw error;
      }
    }
  }
}

function leaderless(operation: string): QuorateError {
  const message = `${operation} was refused: the store has no leader at the moment; try again`;
  return new QuorateError("STORE_UNAVAILABLE", message, { effect: "none", details: { operation } });
}
