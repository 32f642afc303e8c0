/**
 * One method's way past the desk.
 *
 * Handlers are timed to their true end: one that outlives its deadline tells more of the load than
 * any that does not.
 */
import type { Runtime } from "@quorate/core";

import type { AdmissionDesk } from "./admission-desk.ts";
import type { Handler } from "./admission-handler.ts";
import type { Place } from "./bulkhead-places.ts";
import type { Guard, Permit } from "./layer.ts";
import type { LiveCall } from "./live-call.ts";
import { isShedSign } from "./shed-signs.ts";

/** Admits the calls of one method. */
export class AdmissionGuard implements Guard {
  readonly kind = "guard";
  readonly rank = "limit";
  readonly runtime: Runtime;
  readonly #desk: AdmissionDesk;
  readonly #handler: Handler;

  constructor(desk: AdmissionDesk, handler: Handler) {
    this.runtime = desk.runtime;
    this.#desk = desk;
    this.#handler = handler;
  }

  enter(call: LiveCall): Permit | Promise<Permit> {
    return this.#desk.enter(call, this.#handler);
  }

  succeed(permit: Permit, call: LiveCall): void {
    const place = permit as Place;
    place.verdict = "ok";
    this.#desk.places.end(place, call);
  }

  fail(permit: Permit, call: LiveCall, error: unknown): void {
    const place = permit as Place;
    // Given up on: it runs on, and will have taken as long as it takes. An error of the handler's
    // own may be fast, and says nothing, unless it is that of something overloaded behind it.
    if (call.hasLeftovers) place.verdict = "ok";
    else if (isShedSign(error)) place.verdict = "dropped";
    this.#desk.places.end(place, call);
  }

  cancel(): void {
    // The place is given back when the call settles, which follows.
  }

  settle(permit: Permit): void {
    this.#desk.ended(permit as Place, this.#handler);
  }
}
