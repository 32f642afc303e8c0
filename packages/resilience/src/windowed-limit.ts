/**
 * A limit that moves by windows of samples: what gradient and Vegas have in common.
 *
 * They differ only in where a window's verdict moves the limit; that is a pure function.
 */
import {
  checkBounds,
  isSane,
  type LimitBounds,
  type LimitMachine,
  type LimitSample,
  within,
} from "./limit-machine.ts";
import { LimitWindow, type WindowVerdict } from "./limit-window.ts";

/** Where a window's verdict moves a limit; the bounds are kept by the machine. */
export type LimitMove = (limit: number, verdict: WindowVerdict) => number;

/** A machine that moves by `move`. */
export class WindowedLimit implements LimitMachine {
  readonly #bounds: LimitBounds;
  readonly #move: LimitMove;
  readonly #window: LimitWindow;
  /** Kept with its fraction, else slow growth would be rounded away. */
  #limit: number;

  constructor(bounds: LimitBounds, move: LimitMove) {
    this.#bounds = checkBounds(bounds);
    this.#move = move;
    this.#window = new LimitWindow(bounds.min);
    this.#limit = bounds.initial;
  }

  get limit(): number {
    return Math.floor(within(this.#bounds, Math.min(this.#limit, this.#window.ceiling)));
  }

  sample(sample: LimitSample): void {
    if (!isSane(sample)) return;
    const verdict = this.#window.add(sample, Math.floor(this.#limit));
    if (verdict !== undefined) this.#limit = within(this.#bounds, this.#move(this.#limit, verdict));
  }
}
