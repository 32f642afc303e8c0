/**
 * What stands of each step, judged by the calls that landed, and what must be so in the end.
 *
 * A step's effect stands when its last call that returned was a `run`. This is all that can be
 * known of functions from outside; whether a `run` that came twice did it twice, only participants
 * know.
 */
import type { InterposedStep } from "./gate.ts";
import type { Participant } from "./participant.ts";

/** How a run ended. */
export interface Ending {
  /** `none`: the saga was never started. */
  readonly state: "none" | "running" | "compensating" | "done" | "compensated";
  /** What it is stuck at, such as `charge:undo`; empty: nothing. */
  readonly stuck: readonly string[];
  /** Whether the effect of each step that was called stands; within a child: `child/step`. */
  readonly effects: ReadonlyMap<string, boolean>;
}

/** Follows the calls of one run. */
export class Effects {
  readonly #stands = new Map<string, boolean>();

  /** What stands. */
  get all(): ReadonlyMap<string, boolean> {
    return this.#stands;
  }

  /** A call has returned at its participant. */
  returned(path: string, step: InterposedStep, part: "run" | "undo"): void {
    if (step.hasEffect) this.#stands.set(path, part === "run");
  }
}

/** All or nothing: what is wrong with an ending; `undefined`: nothing. */
export function judged(ending: Ending, participants: readonly Participant[]): string | undefined {
  const { state, stuck, effects } = ending;
  if (state === "none") return anyEffect(effects, participants, "never started");
  if (stuck.length > 0) return `${state}, and stuck at ${stuck.join(", ")}`;
  if (state === "running" || state === "compensating") return `still ${state}, and nothing moves`;
  if (state === "compensated") return anyEffect(effects, participants, "compensated");
  for (const [step, stands] of effects) if (!stands) return `done, but ${step} was undone`;
  for (const { name, standing } of participants) {
    for (const [key, count] of standing) {
      if (count !== 1) return `done, but ${key} stands ${count} times at ${name}`;
    }
  }
  return undefined;
}

function anyEffect(
  effects: ReadonlyMap<string, boolean>,
  participants: readonly Participant[],
  state: string,
): string | undefined {
  for (const { name, standing } of participants) {
    for (const [key, count] of standing) {
      if (count !== 0) return `${state}, but ${key} stands ${count} times at ${name}`;
    }
  }
  for (const [step, stands] of effects) {
    if (stands) return `${state}, but the effect of ${step} stands`;
  }
  return undefined;
}
