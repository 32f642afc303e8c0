/**
 * When to decide: after the view has not changed for a while, and never too late.
 *
 * A cut shows member by member, as detectors find out one after the other. Whoever decided on the
 * first of them would see one member missing where half are. So a decision waits until nothing has
 * changed for `stableAfterMs`. A network that never comes to rest may not delay it for ever: after
 * `downAllAfterMs` more without rest all must stop, for no view can be trusted.
 *
 * The local-pause guard: a process that was stalled has not heard what changed meanwhile. A tick
 * that comes much too late begins the wait afresh.
 *
 * Pure: views and time go in, at most one decision comes out.
 */
import { inRange, type Ms, positive } from "@quorate/core";
import { resolveSplit, type SplitDecision } from "./resolve.ts";
import type { SplitStrategy } from "./strategies.ts";
import type { SplitView } from "./view.ts";

/** How long to wait. */
export interface SplitTimerOptions {
  readonly strategy: SplitStrategy;
  /** Nothing may have changed for so long. Longer than detectors differ. @default 20000 */
  readonly stableAfterMs?: Ms;
  /**
   * All stop when it was not stable for `stableAfterMs` and so much more. `Infinity`: never.
   * @default the greater of 4000 and 3/4 of `stableAfterMs`
   */
  readonly downAllAfterMs?: Ms;
}

type State =
  | { readonly kind: "whole" }
  | { readonly kind: "decided"; readonly seen: string }
  | {
      readonly kind: "waiting";
      readonly seen: string;
      /** Since when there is trouble. */
      readonly sinceMs: Ms;
      /** When the view changed last. */
      readonly changedMs: Ms;
    };

/** The clock of one process's decisions. */
export class SplitTimer {
  readonly #strategy: SplitStrategy;
  readonly #stableAfterMs: Ms;
  readonly #downAllAfterMs: Ms;
  #state: State = { kind: "whole" };
  #view: SplitView | undefined;

  /** @throws INVALID_ARGUMENT */
  constructor(options: SplitTimerOptions) {
    this.#strategy = options.strategy;
    this.#stableAfterMs = positive("stableAfterMs", options.stableAfterMs ?? 20_000);
    const usualMs = Math.max(4_000, 0.75 * this.#stableAfterMs);
    this.#downAllAfterMs = inRange(
      "downAllAfterMs",
      options.downAllAfterMs ?? usualMs,
      0,
      Infinity,
    );
  }

  /** When to call `tick`; `Infinity`: not before the view is another one. */
  get wakeMs(): Ms {
    const state = this.#state;
    return state.kind === "waiting" ? state.changedMs + this.#stableAfterMs : Infinity;
  }

  /** The view is this one now. Answers what is to be done, if it is time. */
  see(view: SplitView, nowMs: Ms): SplitDecision | undefined {
    this.#view = view;
    const seen = signatureOf(view);
    const isWhole = view.members.every(({ reach }) => reach === "reachable");
    const state = this.#state;
    if (isWhole) this.#state = { kind: "whole" };
    else if (state.kind === "waiting") {
      if (state.seen !== seen) {
        const late = this.#guard(state, nowMs);
        this.#state = late ?? { ...state, seen, changedMs: nowMs };
        return late === undefined ? this.#giveUp(state.sinceMs, view, nowMs) : undefined;
      }
    } else if (state.kind === "whole" || state.seen !== seen) this.#wait(seen, nowMs);
    return undefined;
  }

  /** Time has passed. Answers what is to be done, if it is time. */
  tick(nowMs: Ms): SplitDecision | undefined {
    const state = this.#state;
    if (state.kind !== "waiting" || this.#view === undefined || nowMs < this.wakeMs) {
      return undefined;
    }
    const late = this.#guard(state, nowMs);
    if (late !== undefined) {
      this.#state = late;
      return undefined;
    }
    this.#state = { kind: "decided", seen: state.seen };
    return resolveSplit({ strategy: this.#strategy, view: this.#view });
  }

  /** What is seen cannot be relied on just now: the wait begins afresh. */
  restart(nowMs: Ms): void {
    if (this.#state.kind === "waiting") this.#wait(this.#state.seen, nowMs);
  }

  #wait(seen: string, nowMs: Ms): void {
    this.#state = { kind: "waiting", seen, sinceMs: nowMs, changedMs: nowMs };
  }

  /** The wait from the beginning, if this moment comes later than a running process has it. */
  #guard({ seen, changedMs }: State & { kind: "waiting" }, nowMs: Ms): State | undefined {
    const lateMs = nowMs - changedMs - this.#stableAfterMs;
    if (lateMs <= this.#stableAfterMs / 4) return undefined;
    return { kind: "waiting", seen, sinceMs: nowMs, changedMs: nowMs };
  }

  #giveUp(sinceMs: Ms, view: SplitView, nowMs: Ms): SplitDecision | undefined {
    const unstableMs = nowMs - sinceMs;
    if (unstableMs <= this.#stableAfterMs + this.#downAllAfterMs) return undefined;
    this.#state = { kind: "decided", seen: signatureOf(view) };
    const reason = `not stable for ${Math.round(unstableMs)} ms`;
    return { kind: "downAll", down: view.members.map(({ id }) => id).sort(), reason };
  }
}

/** Two views with the same signature lead to the same decision. */
function signatureOf({ members }: SplitView): string {
  const sorted = [...members].sort((left, right) => (left.id < right.id ? -1 : 1));
  return JSON.stringify(sorted.map(({ id, standing, reach }) => [id, standing, reach]));
}
