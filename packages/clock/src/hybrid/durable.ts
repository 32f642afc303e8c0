/**
 * A hybrid clock that reuses no timestamp after a restart, whatever happens to the wall clock.
 *
 * Before the clock may pass a time, a bound above it has been stored; the next life starts above
 * the last bound. Storing is upkeep in the background: `now()` stays synchronous and fast. Where
 * the store is away for longer than `aheadMs`, the promise is kept and `now()` throws, rather than
 * the other way round.
 *
 * A life that starts before its wall clock has reached the old bound (a restart within `aheadMs`,
 * a clock set back) would issue timestamps that peers refuse. So opening waits for the wall clock
 * to come within `maxDriftMs` of the bound.
 *
 * Guarantees: no two lives under one id issue the same timestamp, as long as the store keeps what
 * it has acknowledged and the lives do not overlap. Does not guarantee: anything for two processes
 * that use one id at the same time; see the event `node-id-shared`.
 */
import {
  callable,
  inRange,
  invalidArgument,
  knownOptions,
  Lifecycle,
  type Ms,
  positive,
  QuorateError,
  raceAbort,
  type Runtime,
  systemRuntime,
  type Timer,
  withDeadline,
} from "@quorate/core";
import type { BoundStore } from "./bound-store.ts";
import type { HybridClockEvent } from "./events.ts";
import { HybridClock, type HybridClockOptions } from "./hybrid-clock.ts";
import { ReuseBound } from "./reuse-bound.ts";
import { isWhole, MAX_TIME_MS } from "./timestamp.ts";
import { untilTrusted } from "./trust.ts";

/** Options of `openHybridClock`. */
export interface OpenHybridClockOptions extends Pick<HybridClockOptions, "node" | "maxDriftMs"> {
  /** Where the bound is kept, such as `kvBoundStore(backend.kv, "clocks/paris")`. */
  readonly bound: BoundStore;
  /**
   * How far ahead of use bounds are stored: the longest outage of the store that nobody notices,
   * and the longest wait of a restart. One write per half of it. @default 5000
   */
  readonly aheadMs?: Ms;
  /** Time, timers and events. @default systemRuntime */
  readonly runtime?: Runtime;
  /** Gives up opening: it rejects with the signal's reason. Does not close the clock later. */
  readonly signal?: AbortSignal | undefined;
}

/** A hybrid clock with a stored bound. Close it, or its upkeep goes on. */
export interface DurableHybridClock extends AsyncDisposable {
  /** The clock. After `close` it still works, until it meets the last bound. */
  readonly clock: HybridClock;
  /** Ends the upkeep; resolves once no write is under way. Twice is fine. */
  close(): Promise<void>;
}

const DEFAULT_AHEAD_MS = 5_000;
/** Looks at the bound this often per `aheadMs`: half is left when it is due, so two tries fit. */
const LOOKS = 4;

/**
 * Opens the clock of `node`: loads its bound, waits until the wall clock has about reached it,
 * stores the next one, and keeps doing so.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be.
 * @throws STORE_UNAVAILABLE and whatever else `bound` throws: without a bound there is no clock.
 * @throws RECORD_INVALID what was loaded is not a bound.
 *
 * @example
 * import { kvBoundStore, openHybridClock } from "@quorate/clock";
 * import { memoryBackend } from "@quorate/memory";
 * const backend = memoryBackend();
 * const bound = kvBoundStore(backend.kv, "clocks/paris");
 * const durable = await openHybridClock({ node: "paris", bound });
 * durable.clock.now();
 * await durable.close();
 * await backend.close();
 */
export async function openHybridClock(
  options: OpenHybridClockOptions,
): Promise<DurableHybridClock> {
  const names = ["node", "maxDriftMs", "bound", "aheadMs", "runtime", "signal"] as const;
  const { bound: store, runtime = systemRuntime, signal } = knownOptions("options", options, names);
  checkStore(store);
  const aheadMs = positive("aheadMs", options.aheadMs ?? DEFAULT_AHEAD_MS);
  inRange("aheadMs", aheadMs, 1, MAX_TIME_MS);
  const { node, maxDriftMs } = options;
  const clockOptions = { node, runtime, ...(maxDriftMs === undefined ? {} : { maxDriftMs }) };
  new HybridClock(clockOptions); // Bad options are told before anything is asked of the store.

  signal?.throwIfAborted();
  const loaded = await raceAbort(store.load({ signal, timeoutMs: aheadMs }), signal);
  const storedMs = checkLoaded(loaded);
  const clock = new HybridClock({
    ...clockOptions,
    ...(storedMs === undefined ? {} : { startAfterMs: storedMs }),
    ceilingMs: storedMs ?? 0,
  });
  await untilTrusted(clock, { runtime, signal });
  const upkeep = new BoundUpkeep(clock, { store, runtime, aheadMs, storedMs });
  await upkeep.open(signal);
  return upkeep;
}

/** Stores the next bound in good time. */
class BoundUpkeep implements DurableHybridClock {
  readonly clock: HybridClock;
  readonly #store: BoundStore;
  readonly #runtime: Runtime;
  readonly #aheadMs: Ms;
  readonly #bound: ReuseBound;
  readonly #lifecycle: Lifecycle;
  #timer: Timer | undefined;

  constructor(
    clock: HybridClock,
    options: {
      readonly store: BoundStore;
      readonly runtime: Runtime;
      readonly aheadMs: Ms;
      readonly storedMs: Ms | undefined;
    },
  ) {
    this.clock = clock;
    this.#store = options.store;
    this.#runtime = options.runtime;
    this.#aheadMs = options.aheadMs;
    this.#bound = new ReuseBound(options);
    this.#lifecycle = new Lifecycle(`the clock of ${clock.node}`, options.runtime);
  }

  async open(signal: AbortSignal | undefined): Promise<void> {
    await raceAbort(this.#storeNext(signal), signal);
    this.#schedule();
  }

  close(): Promise<void> {
    this.#timer?.cancel();
    return this.#lifecycle.close(0, () => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #schedule(): void {
    if (this.#lifecycle.isClosed) return;
    const look = (): void => void this.#lifecycle.track(this.#look());
    const options = { keepAlive: false };
    this.#timer = this.#runtime.time.setTimer(this.#aheadMs / LOOKS, look, options);
  }

  /** One round of upkeep. Never rejects: the next round tries again, and the ceiling stands. */
  async #look(): Promise<void> {
    try {
      await this.#storeNext(this.#lifecycle.stopping);
    } catch (error) {
      if (!this.#lifecycle.isClosed) this.#tell(error);
    }
    this.#schedule();
  }

  async #storeNext(signal: AbortSignal | undefined): Promise<void> {
    const wallMs = Math.min(this.#runtime.time.wallMs(), MAX_TIME_MS);
    const boundMs = this.#bound.due(Math.max(this.clock.timeMs, wallMs));
    if (boundMs === undefined) return;
    // A save that never settles must not be the end of the upkeep; the next one has more to save.
    const call = { signal, timeoutMs: this.#aheadMs / LOOKS };
    await withDeadline(this.#runtime, this.#store.save(boundMs, call), {
      ...call,
      onTimeout: () => notStored(boundMs, call.timeoutMs),
    });
    this.#bound.stored(boundMs);
    this.clock.raiseCeiling(boundMs);
  }

  #tell(error: unknown): void {
    const channel = this.#runtime.events.channel<HybridClockEvent>("clock");
    const { node } = this.clock;
    if (channel.hasSubscribers) channel.publish({ kind: "bound-not-stored", node, error });
  }
}

function checkStore(store: BoundStore): void {
  if (typeof store !== "object" || store === null) {
    throw invalidArgument("bound", store, "an object with load and save");
  }
  callable("bound.load", store.load);
  callable("bound.save", store.save);
}

function checkLoaded(boundMs: unknown): Ms | undefined {
  if (boundMs === undefined || isWhole(boundMs, MAX_TIME_MS)) return boundMs;
  const details = { key: "bound", reason: `not an integer from 0 to ${MAX_TIME_MS}` };
  const message = "what bound.load resolved to is not a bound; nothing was issued";
  throw new QuorateError("RECORD_INVALID", message, { effect: "none", details });
}

function notStored(boundMs: Ms, afterMs: Ms): QuorateError<"OUTCOME_UNKNOWN"> {
  const details = { operation: "clock.bound", afterMs };
  const message = `the bound ${boundMs} was not stored within ${afterMs} ms; it may have been`;
  return new QuorateError("OUTCOME_UNKNOWN", message, { effect: "unknown", details });
}
