/**
 * What balancers tell: who was ejected, and who is back.
 */
import type { EventChannel, Ms, Runtime } from "@quorate/core";

/** Why an endpoint was ejected: faults in a row, or more faults than the others have. */
export type EjectionReason = "faults-in-a-row" | "fault-rate";

/** `quorate:balancer.ejected`: an endpoint gets no calls of this balancer for a while. */
export interface EndpointEjected {
  /** Name of the balancer. */
  readonly balancer: string;
  readonly service: string;
  readonly endpoint: string;
  readonly reason: EjectionReason;
  readonly forMs: Ms;
  /** Which ejection in a row this is; each lasts twice as long as the one before. */
  readonly times: number;
  /** How many are ejected now, this one included, and how many there are. */
  readonly ejected: number;
  readonly of: number;
}

/** `quorate:balancer.returned`: an endpoint that was ejected gets calls again. */
export interface EndpointReturned {
  /** Name of the balancer. */
  readonly balancer: string;
  readonly service: string;
  readonly endpoint: string;
  /** Its time is over, or so many have gone that it is needed. */
  readonly reason: "time" | "needed";
}

/** Tells of ejections. Never throws. */
export class EjectionVoice {
  readonly #ejected: EventChannel<EndpointEjected>;
  readonly #returned: EventChannel<EndpointReturned>;

  constructor(runtime: Runtime) {
    this.#ejected = runtime.events.channel("balancer.ejected");
    this.#returned = runtime.events.channel("balancer.returned");
  }

  /** An endpoint was ejected. */
  ejected(event: EndpointEjected): void {
    publish(this.#ejected, event);
  }

  /** An endpoint is back. */
  returned(event: EndpointReturned): void {
    publish(this.#returned, event);
  }
}

function publish<T extends object>(channel: EventChannel<T>, event: T): void {
  try {
    if (channel.hasSubscribers) channel.publish(event);
  } catch {
    // A subscriber that throws must not end the call that caused the event.
  }
}
