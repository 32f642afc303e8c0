/**
 * What barriers tell the world: events on `runtime.events`, by default `node:diagnostics_channel`.
 * Names and states only, never an input or an answer.
 */
import type { EventChannel, Events } from "@quorate/core";

import type { BranchState, Operation } from "./machine.ts";

/** What every event of a barrier says. */
interface Subject {
  readonly branch: string;
  readonly asked: Operation;
  readonly have: BranchState;
}

/**
 * `quorate:barrier.conflict`: alert on it. `conflict`: a coordinator decided both ways. `early`: it
 * confirmed what is not tried. `late-effect`: work outlived its lease and its branch's cancel.
 */
export interface BarrierConflict extends Subject {
  readonly kind: "conflict" | "early" | "late-effect";
}

/** `quorate:barrier.refused`: a try that came after its cancel was kept out; all is well. */
export type BarrierRefused = Subject;

/** `quorate:barrier.repeated`: work is run again, since an earlier run of it left no answer. */
export interface BarrierRepeated extends Subject {
  /** From 2. */
  readonly attempt: number;
}

/** The channels, looked up once. */
export interface BarrierEvents {
  readonly conflict: EventChannel<BarrierConflict>;
  readonly refused: EventChannel<BarrierRefused>;
  readonly repeated: EventChannel<BarrierRepeated>;
}

/** Looks up the channels. */
export function barrierEvents(events: Events): BarrierEvents {
  return {
    conflict: events.channel("barrier.conflict"),
    refused: events.channel("barrier.refused"),
    repeated: events.channel("barrier.repeated"),
  };
}
