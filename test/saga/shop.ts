/**
 * The participants of all sagas, and what really happened.
 *
 * They do as the guide asks of a service: a key is carried out once, its repeats are answered as
 * the first time, a refusal stands, and an undo that comes first keeps the action out.
 */
import { checkSagas, type SagaEffect } from "@quorate/simulator/checker";

import type { Answer, Call } from "./protocol.ts";

export const STEPS = ["reserve", "charge", "ship"] as const;

/** A call, and who made it. */
export interface Received extends Call {
  readonly from: string;
}

/** A call that waits: it takes effect and is answered when its test says so. */
export interface HeldCall {
  readonly call: Received;
  /** Carries it out now, and answers. */
  land(): void;
}

/** The three participants. */
export class Shop {
  /** In order of arrival. */
  readonly calls: Received[] = [];
  readonly #effects = new Map<string, SagaEffect[]>();
  readonly #branches = new Map<string, { readonly isUndone: boolean; readonly answer: Answer }>();
  readonly #holds = new Map<string, (held: HeldCall) => void>();

  /** The next call of `key` is not carried out but handed to the test. */
  hold(key: string): Promise<HeldCall> {
    return new Promise((resolve) => void this.#holds.set(key, resolve));
  }

  /** A call has arrived. */
  receive(call: Received, reply: (answer: Answer) => void): void {
    this.calls.push(call);
    const land = (): void => reply(this.#carryOut(call));
    const hold = this.#holds.get(call.key);
    if (hold === undefined) return land();
    this.#holds.delete(call.key);
    hold({ call, land });
  }

  /** What is wrong with `id`, if it ended like this. */
  problemOf(id: string, outcome: "completed" | "compensated"): string | undefined {
    const effects = this.#effects.get(id) ?? [];
    const { violations } = checkSagas([{ key: id, steps: STEPS, effects, outcome }]);
    return violations[0]?.message;
  }

  /** Effects of `id` that stand. */
  standing(id: string): string[] {
    const effects = this.#effects.get(id) ?? [];
    const undone = new Set(effects.filter(({ kind }) => kind !== "action").map((one) => one.step));
    return effects
      .filter(({ kind, step }) => kind === "action" && !undone.has(step))
      .map((one) => one.step);
  }

  #carryOut({ id, step, operation, input, key, from }: Call & { from: string }): Answer {
    const branch = `${id}/${step}`;
    const known = this.#branches.get(branch);
    if (operation === "undo") {
      if (known?.answer.kind === "done" && !known.isUndone) {
        this.#note(id, { kind: "compensation", step });
      }
      const answer = known?.answer ?? { kind: "refused", reason: "undone before it came" };
      this.#branches.set(branch, { isUndone: true, answer });
      return { kind: "done", value: "" };
    }
    if (known?.isUndone === true) return { kind: "refused", reason: "undone before" };
    if (known !== undefined) return known.answer;
    const answer: Answer =
      input.refuses === step
        ? { kind: "refused", reason: "no" }
        : { kind: "done", value: `${key} for ${from}` };
    this.#branches.set(branch, { isUndone: false, answer });
    if (answer.kind === "done") this.#note(id, { kind: "action", step });
    return answer;
  }

  #note(id: string, effect: SagaEffect): void {
    this.#effects.set(id, [...(this.#effects.get(id) ?? []), effect]);
  }
}
