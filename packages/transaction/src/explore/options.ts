/**
 * What is explored, and how far.
 */
import { callable, inRange, invalidArgument, knownOptions, positiveInteger } from "@quorate/core";
import type { AnySaga, Saga } from "../saga/define-saga.ts";
import type { Ending } from "./effects.ts";
import type { Participant } from "./participant.ts";
import type { Budget } from "./schedule.ts";

/** A saga and its world, made anew for each schedule. */
export interface Explored<Input = never, Output = unknown> {
  readonly saga: Saga<Input, Output>;
  readonly input: NoInfer<Input>;
  /** Services whose effects are judged: each key must stand once, or not at all. @default none */
  readonly participants?: readonly Participant[];
  /**
   * What must hold when all is over: returns what is wrong, or nothing, or throws. It takes the
   * place of the invariant there is otherwise: all effects stand and the saga is `done`, or none
   * stands and it is `compensated`.
   */
  readonly invariant?: (ending: Ending) => string | undefined | void;
}

/** How far to look. */
export interface ExploreOptions {
  /** Deaths of a process in one schedule. @default 1 */
  readonly crashes?: number;
  /** Requests in one schedule that time out and land later. @default 1 */
  readonly lateRequests?: number;
  /** Processes in one schedule that are paused, overtaken, and go on. @default 1 */
  readonly zombies?: number;
  /**
   * When a paused process goes on: when all others are done, or also before any action of theirs,
   * which makes many times more schedules. @default "at-the-end"
   */
  readonly zombiesReturn?: "at-the-end" | "anywhere";
  /** Refusals of steps in one schedule. @default 1 */
  readonly refusals?: number;
  /** Faults in one schedule, of all kinds together. @default no bound of its own */
  readonly maxFaults?: number;
  /** Schedules in all; where there are more, `exhausted` is false. @default 100000 */
  readonly maxSchedules?: number;
  /** Ends with the first failure; it has the fewest faults there can be. @default false */
  readonly stopAtFirst?: boolean;
  /** Ends the search; what was found until then is the report. */
  readonly signal?: AbortSignal;
  /** Called each thousand schedules. */
  readonly onProgress?: (progress: ExploreProgress) => void;
}

/** How far the search is. */
export interface ExploreProgress {
  /** Run so far. */
  readonly schedules: number;
  readonly violations: number;
  /** Found, and not run yet. */
  readonly waiting: number;
  /** Faults in the schedules that are run now. */
  readonly faults: number;
}

/** Checked options. */
export interface CheckedExplore {
  readonly budget: Budget;
  readonly returns: "at-the-end" | "anywhere";
  readonly maxFaults: number;
  readonly maxSchedules: number;
  readonly stopAtFirst: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (progress: ExploreProgress) => void;
}

/** Any world. */
export type AnyExplored = Omit<Explored, "saga" | "input"> & {
  readonly saga: AnySaga;
  readonly input: unknown;
};

/** More faults than this in one schedule make more schedules than anybody can run. */
const MAX_FAULTS = 10;

/** @throws INVALID_ARGUMENT */
export function checkExplore(options: ExploreOptions): CheckedExplore {
  knownOptions("options", options, [
    "crashes",
    "lateRequests",
    "zombies",
    "zombiesReturn",
    "refusals",
    "maxFaults",
    "maxSchedules",
    "stopAtFirst",
    "signal",
    "onProgress",
  ]);
  const many = (option: "crashes" | "lateRequests" | "zombies" | "refusals"): number =>
    wholeInRange(option, options[option] ?? 1, 0, MAX_FAULTS);
  const returns = options.zombiesReturn ?? "at-the-end";
  if (returns !== "at-the-end" && returns !== "anywhere") {
    throw invalidArgument("zombiesReturn", returns, '"at-the-end" or "anywhere"');
  }
  return {
    returns,
    budget: {
      crashes: many("crashes"),
      lateRequests: many("lateRequests"),
      zombies: many("zombies"),
      refusals: many("refusals"),
    },
    maxFaults: wholeInRange("maxFaults", options.maxFaults ?? 4 * MAX_FAULTS, 0, 4 * MAX_FAULTS),
    maxSchedules: positiveInteger("maxSchedules", options.maxSchedules ?? 100_000),
    stopAtFirst: options.stopAtFirst ?? false,
    signal: options.signal,
    onProgress: options.onProgress ?? (() => {}),
  };
}

/** @throws INVALID_ARGUMENT */
export function checkExplored(explored: AnyExplored): AnyExplored {
  knownOptions("explored", explored, ["saga", "input", "participants", "invariant"]);
  if (explored.saga?.model === undefined) {
    throw invalidArgument("saga", explored.saga, "a saga that ends in .returns(…)");
  }
  if (explored.invariant !== undefined) callable("invariant", explored.invariant);
  return explored;
}

function wholeInRange(option: string, value: number, min: number, max: number): number {
  inRange(option, value, min, max);
  if (!Number.isInteger(value)) throw invalidArgument(option, value, "a whole number");
  return value;
}
