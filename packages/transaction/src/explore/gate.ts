/**
 * The gate: where every action with an effect waits until the explorer has chosen what becomes of
 * it.
 *
 * A process acts on the world in two ways: it writes the log, and it calls a step. Both come here,
 * in order; between two of them nothing that a process does can be seen by anybody.
 */
import { deferred, type Deferred } from "@quorate/core";
import type { ExploredProcess } from "./process.ts";

/** What the explorer has to know of a step. */
export interface InterposedStep {
  readonly name: string;
  /** Whether it may refuse: behind the pivot nothing may. */
  readonly mayRefuse: boolean;
  /** Nothing undoes it: once it has refused, it must refuse every copy of the request. */
  readonly isPivot: boolean;
  /** Whether it leaves an effect behind that somebody must stand for. */
  readonly hasEffect: boolean;
}

/** A write of the log. */
export interface LogWrite {
  readonly kind: "write";
  readonly process: ExploredProcess;
  readonly key: string;
  readonly text: string;
  /** Hands it to the store. */
  readonly perform: () => Promise<unknown>;
  readonly reply: Deferred<unknown>;
}

/** A call of a step. */
export interface StepCall {
  readonly kind: "call";
  readonly process: ExploredProcess;
  /** The step's name, below those of the sagas around it. */
  readonly path: string;
  readonly step: InterposedStep;
  readonly part: "run" | "undo" | "check";
  readonly attempt: number;
  /** Calls the user's function: the request lands. */
  readonly perform: () => Promise<unknown>;
  readonly reply: Deferred<unknown>;
}

/** Something that waits at the gate. */
export type Action = LogWrite | StepCall;

/** Actions in the order in which they came. */
export class Gate {
  #waiting: Action[] = [];

  /** Waits for its turn. */
  enter(action: Omit<LogWrite, "reply"> | Omit<StepCall, "reply">): Promise<unknown> {
    const reply = deferred<unknown>();
    this.#waiting.push({ ...action, reply });
    return reply.promise;
  }

  /** The first whose process runs. It stays until it is taken. */
  get first(): Action | undefined {
    return this.#waiting.find(({ process }) => process.state === "live");
  }

  /** Takes `action` away. */
  take(action: Action): void {
    this.#waiting = this.#waiting.filter((one) => one !== action);
  }

  /** Forgets what a dead process wanted. */
  forget(process: ExploredProcess): void {
    this.#waiting = this.#waiting.filter((one) => one.process !== process);
  }
}
