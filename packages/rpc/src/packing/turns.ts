/**
 * One frame a turn of the loop, so that both ends of a wire work at the same time.
 *
 * Frames that arrive together would be worked off together, and what comes of them would leave
 * together: then the other end waits while this one works, and this one while the other does, and
 * each batch drags the next along. With a turn between two frames, what comes of the first is on
 * its way before the second is looked at.
 *
 * Guarantees: the order of arrival. At most `MAX_WAITING` frames wait; beyond that the oldest is
 * worked off at once.
 */
import type { Runtime } from "@quorate/core";

/** Most frames that wait for their turn. */
export const MAX_WAITING = 1_024;

/** Deals out turns. What it is given must not throw. */
export class Turns {
  readonly #runtime: Pick<Runtime, "time">;
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;

  constructor(runtime: Pick<Runtime, "time">) {
    this.#runtime = runtime;
  }

  /** Runs `work` in a turn of its own: now, if nothing else had this one. */
  take(work: () => void): void {
    if (this.#isTaken) return this.#wait(work);
    this.#run(work);
  }

  /** Runs `work` behind what waits: now, if nothing does. It needs no turn of its own. */
  after(work: () => void): void {
    if (this.#waiting.length === 0) work();
    else this.#wait(work);
  }

  /** Runs what waits, at once. */
  drain(): void {
    for (const work of this.#waiting.splice(0)) work();
  }

  #wait(work: () => void): void {
    this.#waiting.push(work);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift()?.();
  }

  #run(work: () => void): void {
    this.#isTaken = true;
    this.#runtime.time.setTimer(0, this.#next, { immediate: true });
    work();
  }

  readonly #next = (): void => {
    this.#isTaken = false;
    const work = this.#waiting.shift();
    if (work !== undefined) this.#run(work);
  };
}
