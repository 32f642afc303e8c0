/**
 * Between places and the machine that finds their number.
 *
 * Feeds the machine with ended calls and resizes the places as it says. A machine of the user's
 * own that throws, or answers something that is no number, is reported and changes nothing.
 *
 * Work that was given up on keeps its place. If it never ends, and the limit shrinks because of it,
 * all places are taken for good and no call comes to tell that things are better. So there are
 * always `min` places for the living, as long as there are not more than `max` in all.
 */
import { invalidArgument, type Ms, type Runtime } from "@quorate/core";

import { aimdLimit } from "./aimd.ts";
import type { Place, Places } from "./bulkhead-places.ts";
import { reportFailure } from "./emitter.ts";
import { gradientLimit } from "./gradient.ts";
import {
  checkBounds,
  type LimitAlgorithm,
  type LimitBounds,
  type LimitMachine,
  within,
} from "./limit-machine.ts";
import { vegasLimit } from "./vegas.ts";

/** How a limit is found. */
export interface LimitOptions {
  /** One of ours by name, with its defaults, or any. @default "gradient" */
  readonly algorithm?: "gradient" | "vegas" | "aimd" | LimitAlgorithm;
  /** Where it starts. @default 20, within `min` and `max` */
  readonly initial?: number;
  /** Never fewer. @default 1 */
  readonly min?: number;
  /** Never more. @default 1000 */
  readonly max?: number;
}

/** The names of `LimitOptions`, for checks. */
export const LIMIT_OPTIONS = ["algorithm", "initial", "min", "max"] as const;

/** Moves the number of places. */
export class LimitTracker {
  readonly algorithm: string;
  readonly #runtime: Runtime;
  readonly #bounds: LimitBounds;
  readonly #machine: LimitMachine;
  /** As the machine said last. */
  #limit: number;
  readonly #moved: (limit: number, before: number) => void;

  /** `moved` is told after the places were resized; it must not throw. */
  constructor(
    runtime: Runtime,
    options: LimitOptions,
    moved: (limit: number, before: number) => void,
  ) {
    const { min = 1, max = 1_000, algorithm: wanted = "gradient" } = options;
    const initial = options.initial ?? Math.max(min, Math.min(max, 20));
    const algorithm = algorithmOf(wanted);
    this.#runtime = runtime;
    this.#bounds = checkBounds({ initial, min, max });
    this.#limit = initial;
    this.algorithm = algorithm.name;
    this.#machine = algorithm.start(this.#bounds);
    this.#moved = moved;
  }

  /** How many places to begin with. */
  get initial(): number {
    return this.#bounds.initial;
  }

  /** Fits the places to the machine's limit and to the work that holds them for nobody. */
  fit(places: Places): void {
    const { min, max } = this.#bounds;
    const before = places.limit;
    const wanted = Math.min(max, Math.max(this.#limit, places.leaked + min));
    if (wanted === before) return;
    places.resize(wanted);
    this.#moved(wanted, before);
  }

  /** A call that held `place` has ended at `nowMs`. */
  ended(places: Places, place: Place, nowMs: Ms, dropped: boolean): void {
    const { inFlight, startedMs } = place;
    let limit: number;
    try {
      this.#machine.sample({ rttMs: nowMs - startedMs, inFlight, dropped });
      ({ limit } = this.#machine);
    } catch (error) {
      return reportFailure(this.#runtime, `limit algorithm ${this.algorithm}`, error);
    }
    const wanted = Math.floor(within(this.#bounds, limit));
    if (!Number.isNaN(wanted)) this.#limit = wanted;
    this.fit(places);
  }
}

function algorithmOf(value: NonNullable<LimitOptions["algorithm"]>): LimitAlgorithm {
  if (value === "gradient") return gradientLimit();
  if (value === "vegas") return vegasLimit();
  if (value === "aimd") return aimdLimit();
  const { name, start } = (value ?? {}) as Partial<LimitAlgorithm>;
  if (typeof name === "string" && typeof start === "function") return value;
  throw invalidArgument("algorithm", value, '"gradient", "vegas", "aimd" or a LimitAlgorithm');
}
