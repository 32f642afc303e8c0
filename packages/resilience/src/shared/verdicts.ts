/**
 * Outlooks as the breaker reads them. An object is made at a change, not at a call.
 */
import type { Ms, Time } from "@quorate/core";

import type { FleetVerdict } from "../fleet.ts";
import type { Outlook } from "./fleet-machine.ts";

/** Open: how long to wait is told as of when it is read. */
class OpenVerdict {
  readonly kind = "open";
  readonly epoch: number;
  readonly #untilMs: Ms;
  readonly #time: Time;

  constructor(epoch: number, untilMs: Ms, time: Time) {
    this.epoch = epoch;
    this.#untilMs = untilMs;
    this.#time = time;
  }

  get retryAfterMs(): Ms {
    return Math.max(0, Math.ceil(this.#untilMs - this.#time.monotonicMs()));
  }
}

/** The verdict on `outlook`. */
export function verdictOf(outlook: Outlook | undefined, time: Time): FleetVerdict | undefined {
  if (outlook?.kind === "open") return new OpenVerdict(outlook.epoch, outlook.untilMs, time);
  return outlook?.kind === "probing" ? { kind: "probing", epoch: outlook.epoch } : outlook;
}
