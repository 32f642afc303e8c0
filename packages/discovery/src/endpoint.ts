/**
 * An endpoint: one running instance of a service, and what a caller has to know to ask it.
 */
import type { Ms } from "@quorate/core";

/** One running instance of a service. Read from the registry: foreign input, checked. */
export interface Endpoint {
  readonly service: string;
  /** Names this life of the instance; another after a restart. */
  readonly id: string;
  /** Its version, as `1.4.0` (semver.org, 2.0.0). */
  readonly version: string;
  /** Where it is asked: a subject of the bus or a URL, as the service's protocol has it. */
  readonly address: string;
  /** Where it runs, for callers that prefer their own zone; empty: nowhere in particular. */
  readonly zone: string;
  /** Its share of the calls beside others'; 0: none, but it may still be asked by id. */
  readonly weight: number;
  /** How long after its registration it gets less than its share. 0: at once all of it. */
  readonly warmUpMs: Ms;
  /** How long ago it registered, when this snapshot was made. */
  readonly ageMs: Ms;
  /** `draining`: it serves what it has, and wants no more. */
  readonly state: "up" | "draining";
}
