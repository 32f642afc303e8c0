/**
 * The desks of a store, one for each name that it has lately dealt with.
 *
 * An idle desk is worth keeping: what it has seen of a record makes the next write succeed at the
 * first try, and its observation lets a process that asks again and again, without ever standing in
 * line, notice that a holder is dead. Bounded: the desk idle for longest goes first.
 */
import { Desk, type DeskContext } from "./desk.ts";

const MOST_IDLE = 4_096;

/** Desks by name. */
export class Desks {
  readonly context: DeskContext;
  readonly #desks = new Map<string, Desk>();
  #stopped = false;

  constructor(context: DeskContext) {
    this.context = context;
  }

  /** The desk of `name`, as the one used last. */
  of(name: string): Desk {
    const desk = this.#desks.get(name) ?? new Desk(this.context, name);
    if (this.#stopped) desk.stop();
    this.#desks.delete(name);
    this.#desks.set(name, desk);
    if (this.#desks.size > MOST_IDLE) this.#forgetOne();
    return desk;
  }

  /** The desk of `name` if there is one. */
  known(name: string): Desk | undefined {
    return this.#desks.get(name);
  }

  /** Answers whoever still asks. */
  cut(closed: unknown): void {
    for (const desk of this.#desks.values()) desk.cut(closed);
  }

  /** No watch and no timer from here on. */
  stop(): void {
    this.#stopped = true;
    for (const desk of this.#desks.values()) desk.stop();
  }

  /** Busy desks are moved to the end: each is somebody's call, so they are bounded elsewhere. */
  #forgetOne(): void {
    let looks = 16;
    for (const [name, desk] of this.#desks) {
      if (looks-- === 0) return;
      this.#desks.delete(name);
      if (desk.isIdle) return;
      this.#desks.set(name, desk);
    }
  }
}
