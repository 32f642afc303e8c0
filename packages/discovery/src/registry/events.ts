/**
 * What the registry tells observers: events on `runtime.events`, by default
 * `node:diagnostics_channel`. Names and numbers, never an address.
 */
import type { EventChannel, Events, Ms } from "@quorate/core";

/** `quorate:discovery.panic`: a view begins or ceases to doubt the registry. */
export interface PanicChanged {
  readonly service: string;
  /** Of the view. */
  readonly range: string;
  readonly isPanic: boolean;
  /** Instances that are registered and up. */
  readonly up: number;
  /** Instances that are used although their registration has ended. */
  readonly doubted: number;
}

/** `quorate:discovery.record-invalid`: a registration that nobody can read; it is skipped. */
export interface EndpointRecordInvalid {
  readonly service: string;
  readonly id: string;
  readonly reason: string;
}

/** `quorate:discovery.list-dropped`: the last known list grew older than `maxStaleMs`. */
export interface ListDropped {
  readonly service: string;
  readonly afterMs: Ms;
}

/** `quorate:discovery.draining`: where an instance that drains has got to. */
export interface DrainStep {
  readonly service: string;
  readonly id: string;
  /**
   * - `marked`: others can read that it drains; `unmarked`: the store did not take it in time
   * - `finishing`: others have had time to look; its own work comes to an end now
   * - `left`: its registration is over
   */
  readonly step: "marked" | "unmarked" | "finishing" | "left";
}

/** `quorate:discovery.listener-failed`: a listener of a view threw. */
export interface ListenerFailed {
  readonly service: string;
  readonly error: unknown;
}

/** The channels of a registry, looked up once. */
export interface RegistryEvents {
  readonly panic: EventChannel<PanicChanged>;
  readonly recordInvalid: EventChannel<EndpointRecordInvalid>;
  readonly listDropped: EventChannel<ListDropped>;
  readonly draining: EventChannel<DrainStep>;
  readonly listenerFailed: EventChannel<ListenerFailed>;
}

/** Looks up the channels. */
export function registryEvents(events: Events): RegistryEvents {
  return {
    panic: events.channel("discovery.panic"),
    recordInvalid: events.channel("discovery.record-invalid"),
    listDropped: events.channel("discovery.list-dropped"),
    draining: events.channel("discovery.draining"),
    listenerFailed: events.channel("discovery.listener-failed"),
  };
}
