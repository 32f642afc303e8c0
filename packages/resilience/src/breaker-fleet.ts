/**
 * The fleet's part in one breaker.
 *
 * The fleet's last verdict is a field that is read at each call and never waited for. While it
 * says `open` nobody calls; while it says `probing` this instance runs the trial for all, and
 * reports once how it went; while it says `ramping` calls come back for all alike, and what an
 * instance still held open by itself is forgotten, because it was the same outage. Without a
 * verdict, be the fleet healthy or the store lost, each breaker decides alone.
 */
import type { Ms } from "@quorate/core";

import type { ProbeSettings } from "./breaker-options.ts";
import { Trial } from "./breaker-trial.ts";
import type { Fleet, FleetVerdict } from "./fleet.ts";
import { rampShare } from "./ramp.ts";

/** What the fleet has to say about a call that wants to go. */
export type FleetAnswer =
  | { readonly kind: "go" }
  | { readonly kind: "probe"; readonly epoch: number }
  | {
      readonly kind: "wait";
      readonly state: "open" | "half-open" | "ramping";
      readonly retryAfterMs: Ms | undefined;
    };

const GO: FleetAnswer = { kind: "go" };

/** One breaker's seat in its fleet. */
export class FleetSeat {
  readonly #fleet: Fleet;
  readonly #settings: ProbeSettings;
  #trial: { readonly epoch: number; readonly trial: Trial } | undefined = undefined;

  constructor(fleet: Fleet, settings: ProbeSettings) {
    this.#fleet = fleet;
    this.#settings = settings;
  }

  /** Read at each call. */
  get verdict(): FleetVerdict | undefined {
    return this.#fleet.verdict;
  }

  /** What a call is to do at `nowMs`, by `chance` in [0, 1) while ramping. */
  ask(verdict: FleetVerdict, nowMs: Ms, chance: number): FleetAnswer {
    if (verdict.kind === "open") {
      // Held open by hand: nobody knows until when.
      const { retryAfterMs: ms } = verdict;
      return { kind: "wait", state: "open", retryAfterMs: ms === Infinity ? undefined : ms };
    }
    const { epoch } = verdict;
    if (verdict.kind === "probing") {
      const mayProbe = this.#trialOf(epoch).admit();
      if (mayProbe) return { kind: "probe", epoch };
      return { kind: "wait", state: "half-open", retryAfterMs: undefined };
    }
    const { sinceMs, rampMs } = verdict;
    if (chance < rampShare(nowMs - sinceMs, rampMs)) return GO;
    const retryAfterMs = Math.max(0, Math.ceil(sinceMs + rampMs - nowMs));
    return { kind: "wait", state: "ramping", retryAfterMs };
  }

  /** A probe for the fleet ended; false: its trial is over. A trial is reported once decided. */
  probed(epoch: number, hasPassed: boolean): boolean {
    const trial = this.#running(epoch);
    if (trial === undefined) return false;
    const verdict = trial.count(hasPassed);
    if (verdict !== "undecided") this.#fleet.probed(epoch, verdict === "passed");
    return true;
  }

  /** A probe for the fleet came back undecided. */
  giveBack(epoch: number): void {
    this.#running(epoch)?.giveBack();
  }

  /** There may be something to publish. */
  stir(): void {
    this.#fleet.stir();
  }

  /** Leaves the fleet. */
  close(): Promise<void> {
    return this.#fleet.close();
  }

  #trialOf(epoch: number): Trial {
    if (this.#trial?.epoch !== epoch) {
      this.#trial = { epoch, trial: new Trial(this.#settings) };
    }
    return this.#trial.trial;
  }

  /** The trial of `epoch`, while the fleet still waits for it. */
  #running(epoch: number): Trial | undefined {
    const { verdict } = this.#fleet;
    if (verdict?.kind !== "probing" || verdict.epoch !== epoch) return undefined;
    if (this.#trial?.epoch !== epoch || this.#trial.trial.verdict !== "undecided") return undefined;
    return this.#trial.trial;
  }
}

/** A verdict as a state of the breaker; undefined: the breaker's own state stands. */
export function stateOf(
  verdict: FleetVerdict | undefined,
): "open" | "half-open" | "ramping" | undefined {
  return verdict?.kind === "probing" ? "half-open" : verdict?.kind;
}
