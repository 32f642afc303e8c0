/**
 * Slow start: a newcomer gets its share step by step.
 *
 * A process that has just begun compiles its code, fills its caches and opens its connections. Its
 * full share at once makes its first calls slow, and lets it look worse than it is. So while an
 * endpoint is younger than its own `warmUpMs`, its weight grows in a straight line from a tenth.
 *
 * It stands around any balancer that respects weights. If all endpoints are equally young their
 * weights are equally small, and nothing changes: somebody has to do the work.
 *
 * Guarantees: at the end of the warm-up the weight is the endpoint's own; a new list with the same
 * endpoint does not begin its warm-up anew. Does not guarantee: anything under `roundRobin`, which
 * knows no weights.
 */
import { knownOptions, type Ms, type Runtime, systemRuntime } from "@quorate/core";

import type { Balancer, Pick, PickOutcome, PickRequest, Standing } from "../balancer.ts";
import type { Endpoint } from "../endpoint.ts";
import { checkEndpoints } from "./candidates.ts";
import { checkInner } from "./named.ts";
import { standingsOf } from "./standings.ts";

/** Options of `slowStarting`. */
export interface SlowStartOptions {
  /** Where time comes from. @default systemRuntime */
  readonly runtime?: Runtime | undefined;
}

/** Of the weight, at first. */
const FIRST_SHARE = 0.1;
/** Each changes the inner balancer's list. */
const STEPS = 20;

/**
 * `inner`, with newcomers at less than their weight. It takes `inner` over: update and pick here
 * only.
 *
 * @example
 * import { balance, slowStarting } from "@quorate/discovery";
 * const balancer = slowStarting(balance.smoothWeighted());
 */
export function slowStarting(inner: Balancer, options: SlowStartOptions = {}): Balancer {
  knownOptions("slowStart", options, ["runtime"]);
  return new SlowStarting(checkInner(inner), options.runtime ?? systemRuntime);
}

class SlowStarting implements Balancer {
  readonly name: string;
  readonly #inner: Balancer;
  readonly #runtime: Runtime;
  #endpoints: readonly Endpoint[] = [];
  /** When they registered, by our clock. Lists may repeat the age that was true of an older one. */
  #born = new Map<string, Ms>();
  /** What the inner balancer was told in place of an endpoint. */
  #originals = new Map<Endpoint, Endpoint>();
  #nextStepMs = Infinity;

  constructor(inner: Balancer, runtime: Runtime) {
    this.name = inner.name;
    this.#inner = inner;
    this.#runtime = runtime;
  }

  update(endpoints: readonly Endpoint[]): void {
    this.#endpoints = checkEndpoints(endpoints);
    const nowMs = this.#runtime.time.monotonicMs();
    const before = this.#born;
    this.#born = new Map();
    for (const { id, ageMs } of this.#endpoints) {
      this.#born.set(id, Math.min(nowMs - ageMs, before.get(id) ?? Infinity));
    }
    this.#step(nowMs);
  }

  pick(request?: PickRequest): Pick | undefined {
    if (this.#nextStepMs < Infinity) this.#look();
    const pick = this.#inner.pick(request);
    if (pick === undefined || this.#originals.size === 0) return pick;
    const original = this.#originals.get(pick.endpoint);
    return original === undefined ? pick : new OriginalPick(original, pick);
  }

  standings(): readonly Standing[] {
    return standingsOf(this.#endpoints, this.#inner.standings());
  }

  #look(): void {
    const nowMs = this.#runtime.time.monotonicMs();
    if (nowMs >= this.#nextStepMs) this.#step(nowMs);
  }

  /** Tells the inner balancer the weights of now. */
  #step(nowMs: Ms): void {
    this.#nextStepMs = Infinity;
    this.#originals = new Map();
    this.#inner.update(this.#endpoints.map((endpoint) => this.#warmed(endpoint, nowMs)));
  }

  #warmed(endpoint: Endpoint, nowMs: Ms): Endpoint {
    const { id, warmUpMs } = endpoint;
    const bornMs = this.#born.get(id) ?? -Infinity;
    if (nowMs - bornMs >= warmUpMs) return endpoint;
    const step = Math.floor((STEPS * (nowMs - bornMs)) / warmUpMs);
    this.#nextStepMs = Math.min(this.#nextStepMs, bornMs + ((step + 1) * warmUpMs) / STEPS);
    const share = Math.max(FIRST_SHARE, step / STEPS);
    const warmed = { ...endpoint, weight: endpoint.weight * share };
    this.#originals.set(warmed, endpoint);
    return warmed;
  }
}

/** A pick that shows the endpoint as the caller knows it. */
class OriginalPick implements Pick {
  readonly endpoint: Endpoint;
  readonly #inner: Pick;

  constructor(endpoint: Endpoint, inner: Pick) {
    this.endpoint = endpoint;
    this.#inner = inner;
  }

  end(outcome: PickOutcome): void {
    this.#inner.end(outcome);
  }
}
