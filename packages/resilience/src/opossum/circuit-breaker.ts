/**
 * `CircuitBreaker` with opossum's constructor, methods, events and statistics, on this package's
 * engine: change the import, and keep the rest.
 *
 * What differs is what was reported of opossum as failing, not what it documents. A place is held
 * until the action has ended, and not only until its timeout. Outcomes of an older state, own
 * rejections and aborts by the caller do not count. The rate begins anew with each state. A probe
 * that hangs is given up on after `resetTimeout`. Listeners and filters that throw harm nobody.
 * The options are not changed. After `shutdown` nothing comes back. A shared run that failed is
 * not shared any longer. And, for one first failure must not stop a service, `volumeThreshold` is
 * 10 unless given, where opossum has 0.
 *
 * Does not guarantee opossum's undocumented insides: `Symbol` fields, `semaphore`, and the order
 * of timers. For new code `breaker()` says and can do more.
 */
import { EventEmitter } from "node:events";

import { invalidArgument, type Ms, type Timer } from "@quorate/core";

import { reportFailure } from "../emitter.ts";
import { Circuit } from "./circuit.ts";
import { circuitError, isOurs } from "./errors.ts";
import type { CircuitBreakerEvents } from "./events.ts";
import { type CircuitWork, type Firing, start } from "./firing.ts";
import { type CircuitBreakerOptions, type CircuitState, readSettings } from "./options.ts";
import type { Settings } from "./options.ts";
import { type Stats, Status, type StatusOptions } from "./status.ts";
import { tell } from "./tell.ts";

/** What a circuit protects. A value instead of a function is its own result. */
export type CircuitAction<A extends unknown[], R> = (...args: A) => R | PromiseLike<R>;

/** What is called instead: with the arguments of `fire`, and then the error. */
export type CircuitFallback = ((...args: never[]) => unknown) | CircuitBreaker<never>;

const DEFAULT_CHECK_MS = 5_000;

/**
 * A circuit breaker around one action.
 *
 * @example
 * import { CircuitBreaker } from "@quorate/resilience/opossum";
 * const breaker = new CircuitBreaker(async (name: string) => `hello ${name}`, { timeout: 3_000 });
 * breaker.fallback(() => "out of service");
 * console.log(await breaker.fire("you")); // => hello you
 * breaker.shutdown();
 */
export class CircuitBreaker<A extends unknown[] = unknown[], R = unknown> extends EventEmitter<
  CircuitBreakerEvents<A, R>
> {
  /** Whether a circuit breaker made this error, and not the action. */
  static isOurError(error: unknown): boolean {
    return isOurs(error);
  }

  /** Statistics to begin with: for `options.status`. */
  static newStatus(options: StatusOptions = {}): Status {
    return new Status(options);
  }

  /** What is called with the arguments of `fire`. */
  readonly action: CircuitAction<A, R>;
  readonly #settings: Settings;
  readonly #circuit: Circuit;
  readonly #name: string;
  readonly #group: string;
  #isEnabled: boolean;
  #fallback: ((...args: unknown[]) => unknown) | undefined = undefined;
  readonly #checks: Set<Timer> = new Set();

  /**
   * Makes a circuit around `action`.
   *
   * @throws TypeError there is no action, or a transport or controller is none
   * @throws INVALID_ARGUMENT a number is out of range
   */
  constructor(action: CircuitAction<A, R>, options: CircuitBreakerOptions<A> = {}) {
    super();
    if (!action) {
      throw new TypeError("a circuit breaker needs an action: a function to call, or a value");
    }
    this.action = typeof action === "function" ? action : () => action;
    this.#settings = readSettings(options);
    const { runtime, windowMs } = this.#settings;
    this.#name = options.name ?? nameOf(action) ?? runtime.ids.unique();
    this.#group = options.group ?? this.#name;
    this.#isEnabled = (options.state?.enabled ?? options.enabled) !== false;
    this.#circuit = new Circuit(
      this.#settings,
      (name, ...args) => tell(this, name, args, runtime),
      (error, args) => this.#fallBack(error, args),
    );
    const warmsUp = options.allowWarmUp === true || options.state?.warmUp === true;
    if (warmsUp) this.#circuit.warmUntilMs = runtime.time.monotonicMs() + windowMs;
    if (options.state?.shutdown === true) this.shutdown();
    else if (options.state !== undefined) this.#circuit.restore(options.state);
  }

  /** Name in statistics. */
  get name(): string {
    return this.#name;
  }

  /** Group in statistics. */
  get group(): string {
    return this.#group;
  }

  /** Whether it protects: false after `disable()`. */
  get enabled(): boolean {
    return this.#isEnabled;
  }

  /** Calls go through. */
  get closed(): boolean {
    return this.#circuit.kind === "closed";
  }

  /** Calls are rejected. */
  get opened(): boolean {
    return this.#circuit.kind === "open";
  }

  /** One call decides. */
  get halfOpen(): boolean {
    return this.#circuit.kind === "half-open";
  }

  /** Half-open, and the call that decides has not come. */
  get pendingClose(): boolean {
    return this.#circuit.isProbeDue;
  }

  /** It was shut down, for good. */
  get isShutdown(): boolean {
    return this.#circuit.isShutdown;
  }

  /** Failures do not open it yet. */
  get warmUp(): boolean {
    return this.#circuit.isWarmingUp;
  }

  /** Fires in the window below which it does not open. */
  get volumeThreshold(): number {
    return this.#settings.volumeThreshold;
  }

  /** Its statistics, with `snapshot` events. */
  get status(): Status {
    return this.#circuit.status;
  }

  /** Sums of the window. */
  get stats(): Stats {
    return this.#circuit.status.stats;
  }

  /** State and statistics, for `options.state` and `options.status`. */
  toJSON(): { state: Required<CircuitState>; status: Stats } {
    return {
      state: {
        name: this.name,
        enabled: this.enabled,
        closed: this.closed,
        open: this.opened,
        halfOpen: this.halfOpen,
        warmUp: this.warmUp,
        shutdown: this.isShutdown,
        lastTimerAt: this.#circuit.openedAtMs,
      },
      status: this.stats,
    };
  }

  /** Has `fallback` called, or fired, whenever `fire` would reject; its result is then `fire`'s. */
  fallback(fallback: CircuitFallback): this {
    this.#fallback = (
      fallback instanceof CircuitBreaker
        ? (...args: unknown[]) => fallback.fire(...(args as never))
        : fallback
    ) as (...args: unknown[]) => unknown;
    return this;
  }

  /**
   * Calls the action with `args`.
   *
   * Rejects with what the action threw, or with an error of its own whose `code` is
   * `EOPENBREAKER`, `ESEMLOCKED`, `ESHUTDOWN` (the action did not run) or `ETIMEDOUT` (it did, and
   * whether it took effect is unknown).
   */
  fire(...args: A): Promise<R> {
    return this.call(this.action, ...args);
  }

  /** `fire`, with `context` as the action's `this`. */
  call(context: unknown, ...args: A): Promise<R> {
    if (this.isShutdown) {
      return Promise.reject(circuitError("ESHUTDOWN", "The circuit has been shutdown."));
    }
    const { runtime, cache, coalesce } = this.#settings;
    const nowMs = runtime.time.monotonicMs();
    this.status.increment("fires", nowMs);
    tell(this, "fire", [args], runtime);
    const work: CircuitWork = { action: this.action as CircuitWork["action"], context, args };
    if (!this.#isEnabled) return new Promise((resolve) => resolve(start(work) as R));
    const key = cache !== undefined || coalesce !== undefined ? this.#keyOf(args) : undefined;
    if (key === undefined) return this.#circuit.run(nowMs, work, undefined) as Promise<R>;
    const kept = this.#kept(key, nowMs);
    if (kept !== undefined) return Promise.resolve(kept) as Promise<R>;
    return this.#circuit.run(nowMs, work, (firing) => this.#keep(key, firing)) as Promise<R>;
  }

  /** Opens it, as if by too many failures. */
  open(): void {
    this.#circuit.open();
  }

  /** Closes it. */
  close(): void {
    this.#circuit.close();
  }

  /** Protects again. */
  enable(): void {
    if (!this.isShutdown) this.#isEnabled = true;
  }

  /** Protects no more: calls go straight to the action. */
  disable(): void {
    this.#isEnabled = false;
  }

  /** Ends it: calls reject with `ESHUTDOWN`; no timer, check, listener or cached result is left. */
  shutdown(): void {
    if (this.isShutdown) return;
    tell(this, "shutdown", [], this.#settings.runtime);
    this.disable();
    for (const timer of this.#checks) timer.cancel();
    this.#circuit.shutdown();
    this.clearCache();
    this.removeAllListeners();
  }

  /** Forgets kept and shared results. */
  clearCache(): void {
    this.#settings.cache?.flush();
    this.#settings.coalesce?.flush();
  }

  /**
   * Calls `check` now and every `intervalMs` until `shutdown`, one at a time; if it rejects or
   * throws, opens.
   *
   * @throws TypeError `check` is no function, or `intervalMs` is no number
   */
  healthCheck(check: (this: this) => unknown, intervalMs: number = DEFAULT_CHECK_MS): void {
    if (typeof check !== "function") throw new TypeError("a health check must be a function");
    if (typeof intervalMs !== "number" || Number.isNaN(intervalMs)) {
      throw new TypeError("the interval of a health check must be a number");
    }
    if (intervalMs < 0) throw invalidArgument("interval", intervalMs, "a duration >= 0 in ms");
    void this.#check(check, intervalMs || DEFAULT_CHECK_MS);
  }

  /** The signal that a timeout will abort; of the very call, if asked within its action. */
  getSignal(): AbortSignal | undefined {
    return this.#circuit.signals.current()?.signal;
  }

  /** The controller of `getSignal()`. */
  getAbortController(): AbortController | undefined {
    return this.#circuit.signals.current();
  }

  async #check(check: (this: this) => unknown, intervalMs: number): Promise<void> {
    if (this.isShutdown) return;
    try {
      await Reflect.apply(check, this, []);
    } catch (error) {
      if (this.isShutdown) return;
      tell(this, "healthCheckFailed", [error], this.#settings.runtime);
      this.open();
    }
    if (this.isShutdown) return;
    const again = (): void => {
      this.#checks.delete(timer);
      void this.#check(check, intervalMs);
    };
    const { time } = this.#settings.runtime;
    const timer = time.setTimer(intervalMs, again, { keepAlive: false });
    this.#checks.add(timer);
  }

  #fallBack(error: unknown, args: readonly unknown[]): Promise<unknown> | undefined {
    const fallback = this.#fallback;
    if (fallback === undefined) return undefined;
    try {
      const result: unknown = Reflect.apply(fallback, fallback, [...args, error]);
      this.status.increment("fallbacks", this.#settings.runtime.time.monotonicMs());
      tell(this, "fallback", [result, error], this.#settings.runtime);
      return Promise.resolve(result);
    } catch (failure) {
      return Promise.reject(failure);
    }
  }

  /** Undefined: a function of the caller's failed, and the call goes uncached. */
  #keyOf(args: readonly unknown[]): string | undefined {
    try {
      return Reflect.apply(this.#settings.keyOf, this, args);
    } catch (error) {
      reportFailure(this.#settings.runtime, "cacheGetKey", error);
      return undefined;
    }
  }

  /** A kept result, or a run under way to share. */
  #kept(key: string, nowMs: Ms): unknown {
    const { cache, coalesce, runtime } = this.#settings;
    for (const [from, hit, miss] of [
      [cache, "cacheHit", "cacheMiss"],
      [coalesce, "coalesceCacheHit", "coalesceCacheMiss"],
    ] as const) {
      if (from === undefined) continue;
      const kept = from.get(key);
      const name = kept === undefined ? miss : hit;
      this.status.increment(COUNTED[name], nowMs);
      tell(this, name, [], runtime);
      if (kept !== undefined) return kept;
    }
    return undefined;
  }

  /** Shares a run from its start, and keeps its result once it has succeeded. */
  #keep(key: string, firing: Firing): void {
    const { cache, coalesce, coalesceEndsOnSuccess } = this.#settings;
    const { promise } = firing;
    coalesce?.set(key, promise);
    firing.onEnd = (hasSucceeded) => {
      if (this.isShutdown) return;
      if (hasSucceeded) cache?.set(key, promise);
      if (!hasSucceeded || coalesceEndsOnSuccess) coalesce?.transport.drop(key, promise);
    };
  }
}

const COUNTED = {
  cacheHit: "cacheHits",
  cacheMiss: "cacheMisses",
  coalesceCacheHit: "coalesceCacheHits",
  coalesceCacheMiss: "coalesceCacheMisses",
} as const;

function nameOf(action: unknown): string | undefined {
  return typeof action === "function" && action.name !== "" ? action.name : undefined;
}
