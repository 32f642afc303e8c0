/**
 * Admission: what a server does with calls that it cannot serve, before they cost anything.
 *
 * A server that accepts more than it can do answers everybody too late, and is asked again. It
 * recovers only if it refuses early. So: no more handlers at once than it can take (a limit that
 * finds itself, unless one is given), a short line for the rest, the newest first once that line
 * stands; no call that has not the time for its handler's median; and under pressure those of
 * lower priority are refused first.
 *
 * Guarantees: what is refused did not run (`OVERLOADED`, effect none), and is told when to come
 * again; expired calls are dropped before they run; among equals nobody is preferred but by order.
 * Does not guarantee that an admitted call ends in time, nor that low priorities are ever served.
 *
 * Clients' retries need a budget all the same: admission keeps a server alive under a storm, it
 * does not end it. Google's SRE book, "Handling Overload" (criticality, shedding before work);
 * Maurer, "Fail at Scale", ACM Queue 13(8), 2015.
 */
import { boundedString, inRange, knownOptions } from "@quorate/core";

import { AdmissionDesk } from "./admission-desk.ts";
import { AdmissionGuard } from "./admission-guard.ts";
import { Handler } from "./admission-handler.ts";
import type { AdmissionEvents, AdmissionOptions, AdmissionStats } from "./admission-options.ts";
import { MAX_NAME_BYTES } from "./bulkhead.ts";
import { LayeredPolicy, type Policy, policyOf } from "./policy.ts";

/** A server's admission: a policy with figures and events. Made by `admission`. */
export class Admission extends LayeredPolicy {
  readonly #desk: AdmissionDesk;
  readonly #margin: number;

  /** See `admission`. */
  constructor(options: AdmissionOptions = {}) {
    const desk = new AdmissionDesk(options);
    const margin = inRange("margin", options.margin ?? 1, 0, 100);
    super([new AdmissionGuard(desk, new Handler("", margin))]);
    this.#desk = desk;
    this.#margin = margin;
  }

  /** Its name in errors and events. */
  get name(): string {
    return this.#desk.name;
  }

  /** Its figures now. */
  get stats(): AdmissionStats {
    return this.#desk.stats;
  }

  /**
   * The same places and line for one kind of work, with a median of its own: a server whose methods
   * take 1 ms and 1 s has no median. Make it once per method, not per call.
   */
  method(name: string): Policy {
    boundedString("name", name, MAX_NAME_BYTES);
    return policyOf(new AdmissionGuard(this.#desk, new Handler(name, this.#margin)));
  }

  /** Calls `listener` at each event of `type`, until the returned function is called. */
  on<K extends keyof AdmissionEvents>(
    type: K,
    listener: (event: AdmissionEvents[K]) => void,
  ): () => void {
    return this.#desk.signals.on(type, listener);
  }
}

/**
 * Admission for a server: `await gate.run(handler, { priority, deadlineMs })`.
 *
 * `deadlineMs` is an instant on this process's monotonic clock: the time the client has left, from
 * the request, added to the time of arrival.
 *
 * @throws INVALID_ARGUMENT (at construction) an option is out of its range
 * @throws OVERLOADED (a call, effect none) it was not run; `details.reason` is `full`, `late`,
 *   `priority` or `displaced`, and `details.retryAfterMs` says when to ask again
 * @throws TIMEOUT (a call, effect unknown) its deadline passed while its handler ran
 * @example
 * import { admission } from "@quorate/resilience";
 * const gate = admission({ name: "orders" });
 * const answer = await gate.run(async () => 42, { priority: 1, timeoutMs: 500 });
 * console.log(answer, gate.stats.queued); // => 42 0
 */
export function admission(options: AdmissionOptions = {}): Admission {
  knownOptions("admission", options, [
    "limit",
    "queue",
    "order",
    "margin",
    "shedAt",
    "leakedGraceMs",
    "name",
    "runtime",
  ]);
  return new Admission(options);
}
