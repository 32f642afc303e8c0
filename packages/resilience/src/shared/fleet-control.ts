/**
 * A fleet by hand: what an operator does to all instances of a breaker at once.
 *
 * It writes the same record that the instances write, by the same conditional write, and says who
 * did it and why. Instances follow as soon as their watch tells them. What is isolated stays so,
 * over restarts too, until somebody releases it, or until the time is over that was given with it.
 */
import {
  type Backend,
  boundedString,
  type Entry,
  inRange,
  invalidArgument,
  knownOptions,
  type Ms,
  positiveInteger,
  type Revision,
} from "@quorate/core";

import { placeOf } from "./place.ts";
import {
  decodeFleetRecord,
  encodeFleetRecord,
  type FleetState,
  MAX_BY_BYTES,
  MAX_DURATION_MS,
  MAX_ISOLATION_MS,
  MAX_WHY_BYTES,
  RETENTION_MS,
} from "./record.ts";
import { fleetName } from "./settings.ts";

/** Who does it, and why: kept in the record, told in events. Not a place for secrets. */
export interface FleetOrder {
  /** 1 to 256 bytes. */
  readonly by: string;
  /** 1 to 512 bytes. */
  readonly why: string;
  readonly signal?: AbortSignal;
}

/** How a fleet stands. */
export interface FleetStanding {
  readonly state: FleetState["kind"];
  /** Grows with every transition; 0: there was none lately. */
  readonly epoch: Revision;
  /** Instance or person that brought it about, and why; empty: nobody lately. */
  readonly by: string;
  readonly why: string;
  /** Of an isolation that ends by itself: about how long it lasts still. Else absent. */
  readonly endsInMs?: Ms;
}

/** A fleet in an operator's hand. */
export interface FleetControl {
  /** Opens it for `resetMs`, 5000 unless given; then one instance finds out as usual. */
  trip(order: FleetOrder & { readonly resetMs?: Ms }): Promise<FleetStanding>;
  /**
   * Holds it open until `release`; with `forMs`, 1 to a week, until then at most. After it the
   * first instance that heard of it lets calls come back step by step. Counted from when that one
   * heard of it, so a restart of all of them makes it longer, by an hour at most.
   */
  isolate(order: FleetOrder & { readonly forMs?: Ms }): Promise<FleetStanding>;
  /** Lets calls come back over `rampMs`, 10_000 unless given. Nothing if it is closed. */
  release(order: FleetOrder & { readonly rampMs?: Ms }): Promise<FleetStanding>;
  /** How it stands. */
  inspect(options?: { readonly signal?: AbortSignal }): Promise<FleetStanding>;
}

/** Over how many instances to spread claims where nobody has counted them. */
const MANY = 1_000;
const DEFAULT_RESET_MS = 5_000;
const DEFAULT_RAMP_MS = 10_000;

/**
 * The fleet of breakers called `name` on `backend`, to be held by hand. Its methods reject with the
 * store's errors; after OUTCOME_UNKNOWN, give the order again.
 *
 * @throws INVALID_ARGUMENT `name` is no segment of a key.
 *
 * @example
 * import { memoryBackend } from "@quorate/memory";
 * import { fleetControl } from "@quorate/resilience";
 * const billing = fleetControl(memoryBackend(), "billing");
 * await billing.isolate({ by: "ada", why: "double charges, incident 7" });
 * const { state } = await billing.inspect(); // "isolated"
 */
export function fleetControl(backend: Backend, name: string): FleetControl {
  if (typeof backend?.kv?.put !== "function") {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  return new ControlOfBackend(backend, placeOf(fleetName(name)).record);
}

class ControlOfBackend implements FleetControl {
  readonly #backend: Backend;
  readonly #key: string;

  constructor(backend: Backend, key: string) {
    this.#backend = backend;
    this.#key = key;
  }

  async trip(order: FleetOrder & { readonly resetMs?: Ms }): Promise<FleetStanding> {
    checkOrder(order, ["resetMs"]);
    const resetMs = duration("resetMs", order.resetMs ?? DEFAULT_RESET_MS);
    return this.#become(order, () => ({ kind: "open", resetMs, openings: 1 }));
  }

  async isolate(order: FleetOrder & { readonly forMs?: Ms }): Promise<FleetStanding> {
    checkOrder(order, ["forMs"]);
    const { forMs } = order;
    if (forMs === undefined) return this.#become(order, () => ({ kind: "isolated" }));
    inRange("forMs", positiveInteger("forMs", forMs), 1, MAX_ISOLATION_MS);
    return this.#become(order, () => ({ kind: "isolated", forMs }));
  }

  async release(order: FleetOrder & { readonly rampMs?: Ms }): Promise<FleetStanding> {
    checkOrder(order, ["rampMs"]);
    const rampMs = duration("rampMs", order.rampMs ?? DEFAULT_RAMP_MS);
    return this.#become(order, (state) => {
      const isHeld = state !== "closed" && state !== "ramping";
      return isHeld ? { kind: "ramping", rampMs, openings: 0 } : undefined;
    });
  }

  async inspect(options: { readonly signal?: AbortSignal } = {}): Promise<FleetStanding> {
    return standingOf(await this.#backend.kv.get(this.#key, { signal: options.signal }));
  }

  /** Writes what `next` makes of the present state; `undefined`: it is well as it is. */
  async #become(
    { by, why, signal }: FleetOrder,
    next: (state: FleetState["kind"]) => FleetState | undefined,
  ): Promise<FleetStanding> {
    const { kv } = this.#backend;
    let entry = await kv.get(this.#key, { signal });
    // Without a bound: each try that fails is somebody else's transition, and those are rare.
    for (;;) {
      const { state: present, epoch: from } = standingOf(entry);
      const state = next(present);
      if (state === undefined) return standingOf(entry);
      const known = entry === undefined ? undefined : decodeFleetRecord(entry.value);
      const instances = known?.instances ?? MANY;
      const value = encodeFleetRecord({ state, from, instances, by, why });
      const options = { expect: entry?.revision ?? ("absent" as const), signal };
      const ttlMs = retentionOf(state);
      const put = await kv.put(
        this.#key,
        value,
        ttlMs === undefined ? options : { ...options, ttlMs },
      );
      if (put.ok) return standingOf(put.entry);
      entry = put.current;
    }
  }
}

/** How a fleet stands by its record. */
export function standingOf(entry: Entry | undefined): FleetStanding {
  const record = entry === undefined ? undefined : decodeFleetRecord(entry.value);
  const { state, by = "", why = "" } = record ?? {};
  const standing = { state: state?.kind ?? "closed", epoch: entry?.revision ?? 0, by, why };
  const hasEnd = state?.kind === "isolated" && state.forMs !== undefined;
  if (!hasEnd || entry?.expiresInMs === undefined) return standing;
  return { ...standing, endsInMs: Math.max(0, entry.expiresInMs - RETENTION_MS) };
}

/** How long the store keeps the record; `undefined`: for ever. */
function retentionOf(state: FleetState): Ms | undefined {
  if (state.kind !== "isolated") return RETENTION_MS;
  return state.forMs === undefined ? undefined : state.forMs + RETENTION_MS;
}

function checkOrder<T extends FleetOrder>(order: T, more: readonly (keyof T & string)[]): void {
  knownOptions("order", order, ["by", "why", "signal", ...more]);
  boundedString("by", order.by, MAX_BY_BYTES);
  boundedString("why", order.why, MAX_WHY_BYTES);
}

function duration(option: string, value: Ms): Ms {
  if (typeof value === "number" && value >= 0 && value <= MAX_DURATION_MS) return value;
  throw invalidArgument(option, value, `a duration from 0 to ${MAX_DURATION_MS} ms`);
}
