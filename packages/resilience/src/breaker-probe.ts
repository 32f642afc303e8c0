/**
 * Permits of a breaker: by which a guard knows a call again when it ends.
 *
 * While closed a permit is the epoch, a plain number. It is an object only where more is to be
 * remembered: when the call began, if slow calls count; and by when it must end, if it is a probe.
 */
import type { Ms } from "@quorate/core";
import type { Expiring } from "./deadlines.ts";

/** Permit of a call whose duration counts. */
export class TimedPermit {
  readonly epoch: number;
  readonly startMs: Ms;

  constructor(epoch: number, startMs: Ms) {
    this.epoch = epoch;
    this.startMs = startMs;
  }
}

/** Who decides on a probe that did not end in time. */
export interface ProbeJudge {
  probeExpired(probe: Probe): void;
}

/** Permit of a probe: with a deadline of its own, whatever that of the call is. */
export class Probe extends TimedPermit implements Expiring {
  wakeMs = 0;
  heapIndex = -1;
  /** Decided, or given back: what comes of it now is late. */
  isOver = false;
  /** Epoch of the fleet whose probe it is; undefined: the breaker's own. */
  readonly fleetEpoch: number | undefined;
  readonly #judge: ProbeJudge;

  constructor(judge: ProbeJudge, epoch: number, startMs: Ms, fleetEpoch?: number) {
    super(epoch, startMs);
    this.#judge = judge;
    this.fleetEpoch = fleetEpoch;
  }

  expire(): void {
    this.#judge.probeExpired(this);
  }
}
