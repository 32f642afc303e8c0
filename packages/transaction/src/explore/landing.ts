/**
 * Requests and when they land: at once, or after their caller has given up on them.
 */
import { isQuorateError, refuse, systemRuntime } from "@quorate/core";
import type { Drain } from "./drain.ts";
import type { Effects } from "./effects.ts";
import type { StepCall } from "./gate.ts";

/** Real time that a user's function may take, if it does wait for something real. */
const PATIENCE_MS = 1_000;

const REASON = "refused-by-explorer";

/** What is on its way to participants. */
export class Landing {
  readonly #drain: Drain;
  readonly #effects: Effects;
  readonly #late = new Map<number, StepCall>();
  /** Pivots that have refused. */
  readonly #final = new Set<string>();
  #count = 0;

  constructor(drain: Drain, effects: Effects) {
    this.#drain = drain;
    this.#effects = effects;
  }

  /** Numbers of the late requests that have not landed. */
  get waiting(): readonly number[] {
    return [...this.#late.keys()];
  }

  /** The participant says no to `call`; a pivot's does so for good. */
  refuse(call: StepCall): void {
    if (call.step.isPivot) this.#final.add(call.path);
    call.reply.reject(refuse(REASON));
  }

  /** Keeps `call` on its way. */
  keep(call: StepCall): void {
    this.#late.set(this.#count++, call);
  }

  /** `call` lands, and is answered. What came of it, in words. */
  async land(call: StepCall): Promise<string> {
    const outcome = await this.#perform(call);
    if (outcome.ok) call.reply.resolve(outcome.value);
    else call.reply.reject(outcome.error);
    return outcome.ok ? "done" : failureWords(outcome.error);
  }

  /** A late request lands; nobody waits for its answer. */
  async landLate(request: number): Promise<{ readonly words: string; readonly outcome: string }> {
    const call = this.#late.get(request);
    if (call === undefined) return { words: "nothing", outcome: "it is gone" };
    this.#late.delete(request);
    const outcome = await this.#perform(call);
    const words = `${call.part} ${call.path}`;
    return { words, outcome: outcome.ok ? "done" : failureWords(outcome.error) };
  }

  async #perform(call: StepCall): Promise<Outcome> {
    if (this.#final.has(call.path)) return { ok: false, error: refuse(REASON) };
    const outcome = await this.#settled(call);
    if (outcome.ok && call.part !== "check") {
      this.#effects.returned(call.path, call.step, call.part);
    }
    return outcome;
  }

  async #settled(call: StepCall): Promise<Outcome> {
    let outcome: Outcome | undefined;
    call.perform().then(
      (value) => (outcome = { ok: true, value }),
      (error: unknown) => (outcome = { ok: false, error }),
    );
    await this.#drain.turn();
    // It waits for something real: no more than it must.
    const { time } = systemRuntime;
    const sinceMs = time.monotonicMs();
    while (outcome === undefined) {
      if (time.monotonicMs() - sinceMs > PATIENCE_MS) throw new Error(unsettled(call));
      await new Promise<void>((resolve) => void time.setTimer(1, resolve));
    }
    return outcome;
  }
}

type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: unknown };

function failureWords(error: unknown): string {
  if (isQuorateError(error, "REFUSED")) return `refused (${error.details.reason})`;
  return error instanceof Error ? `it throws ${error.name}: ${error.message}` : "it throws";
}

function unsettled({ part, path }: StepCall): string {
  const cure = "give the saga fakes in memory to call";
  return `${part} of ${path} has not settled in ${PATIENCE_MS} ms of real time: ${cure}`;
}
