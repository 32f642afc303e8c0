/**
 * Keeps a `SyncedClock` on course by asking time servers over any bus.
 *
 * Each server is asked at each poll and has an `OffsetEstimator` of its own. The stretch of time in
 * which a majority of them may agree (Marzullo's intersection) sets the clock's course. With three
 * servers, one may lie or never have answered. One that answered and fell silent is no fault: its
 * last answers age, and the bound grows.
 *
 * Guarantees: those of `SyncedClock`, if a majority of the servers has answered and is right within
 * what it claims; one poll at a time; no timer keeps the process alive. Does not guarantee: to
 * notice that the ways to and from a server differ; see `offsetOf`.
 */
import {
  checkName,
  deferred,
  invalidArgument,
  isQuorateError,
  knownOptions,
  Lifecycle,
  type MessageBus,
  type Ms,
  onAbort,
  positive,
  raceAbort,
  type Runtime,
  systemRuntime,
  type Timer,
} from "@quorate/core";
import { intervalOfAtLeast } from "./marzullo.ts";
import { OffsetEstimator } from "./offset-estimator.ts";
import { type BoundedTime, readClocks } from "./reading.ts";
import { SyncedClock, type SyncedClockOptions } from "./synced-clock.ts";
import type { TimeSyncEvent } from "./time-events.ts";
import { decodeTimeAnswer, TIME_QUESTION } from "./time-wire.ts";

/** Options of `syncClock`. */
export interface SyncClockOptions extends Omit<SyncedClockOptions, "runtime"> {
  /** Where the time servers listen: one, or three and more; at most 16. */
  readonly servers: readonly string[];
  /** Clocks, timers and events: those of the bus. @default systemRuntime */
  readonly runtime?: Runtime;
  /** Time between polls. The first few follow each other sixteen times as fast. @default 16000 */
  readonly pollMs?: Ms;
  /** How long an answer may take. Slow answers are worth little. @default 1000 */
  readonly timeoutMs?: Ms;
  /** Ends it, as `close` does. */
  readonly signal?: AbortSignal | undefined;
}

/** A clock that is kept on course. */
export interface ClockSync extends AsyncDisposable {
  /** The clock. It outlives `close`, and its bound grows from then on. */
  readonly clock: SyncedClock;
  /** The time, and how wrong it may be: `clock.now()`. */
  now(): BoundedTime;
  /**
   * Resolves once the clock was set for the first time.
   *
   * @throws CLOSED it was closed before. Or the signal's reason.
   */
  synced(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /** Ends the polling. Twice is fine. */
  close(): Promise<void>;
}

const MAX_SERVERS = 16;
/** Polls at the faster pace at the start, so that a slow first answer does not count for long. */
const FAST_POLLS = 4;
const FASTER = 16;

/**
 * Starts to keep a clock on course. Until the first answers its bound is infinite: wait for
 * `synced()`.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be.
 *
 * @example
 * import { serveTime, syncClock } from "@quorate/clock";
 * import { memoryBackend } from "@quorate/memory";
 * const backend = memoryBackend();
 * const server = await serveTime(backend.bus, { subject: "time/paris", errorBoundMs: 5 });
 * const sync = syncClock(backend.bus, { servers: ["time/paris"] });
 * await sync.synced();
 * console.log(sync.now().errorBoundMs < 1_000); // => true
 * await sync.close();
 * await server.close();
 * await backend.close();
 */
export function syncClock(bus: MessageBus, options: SyncClockOptions): ClockSync {
  const own = ["servers", "runtime", "pollMs", "timeoutMs", "signal"] as const;
  const clocks = ["slewPpm", "driftPpm", "stepForwardMs"] as const;
  knownOptions("options", options, [...own, ...clocks]);
  const sync = new Polling(bus, {
    servers: checkServers(options.servers),
    runtime: options.runtime ?? systemRuntime,
    pollMs: positive("pollMs", options.pollMs ?? 16_000),
    timeoutMs: positive("timeoutMs", options.timeoutMs ?? 1_000),
    clock: Object.fromEntries(clocks.map((name) => [name, options[name]]).filter(isGiven)),
  });
  sync.start(options.signal);
  return sync;
}

interface PollingOptions {
  readonly servers: readonly string[];
  readonly runtime: Runtime;
  readonly pollMs: Ms;
  readonly timeoutMs: Ms;
  readonly clock: SyncedClockOptions;
}

class Polling implements ClockSync {
  readonly clock: SyncedClock;
  readonly #bus: MessageBus;
  readonly #options: PollingOptions;
  readonly #estimators: ReadonlyMap<string, OffsetEstimator>;
  readonly #lifecycle: Lifecycle;
  readonly #firstSync = deferred<void>();
  #unsubscribe: () => void = () => {};
  #timer: Timer | undefined;
  #polls = 0;

  constructor(bus: MessageBus, options: PollingOptions) {
    const { runtime, servers, clock } = options;
    this.#bus = bus;
    this.#options = options;
    this.clock = new SyncedClock({ ...clock, runtime });
    const drift = clock.driftPpm === undefined ? {} : { driftPpm: clock.driftPpm };
    this.#estimators = new Map(servers.map((subject) => [subject, new OffsetEstimator(drift)]));
    this.#lifecycle = new Lifecycle("the clock's synchronisation", runtime);
    this.#firstSync.promise.catch(() => {}); // Nobody may be waiting when it is closed.
  }

  start(signal: AbortSignal | undefined): void {
    this.#unsubscribe = onAbort(signal, () => void this.close());
    if (!this.#lifecycle.isClosed) void this.#lifecycle.track(this.#poll());
  }

  now(): BoundedTime {
    return this.clock.now();
  }

  synced(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    return raceAbort(this.#firstSync.promise, options.signal);
  }

  close(): Promise<void> {
    this.#unsubscribe();
    this.#timer?.cancel();
    this.#firstSync.reject(this.#lifecycle.closedError());
    return this.#lifecycle.close(0, () => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Asks everybody, sets the course by what is new, and comes back. Never rejects. */
  async #poll(): Promise<void> {
    const { servers, pollMs, runtime } = this.#options;
    const news = await Promise.all(servers.map((subject) => this.#ask(subject)));
    if (this.#lifecycle.isClosed) return;
    if (news.includes(true)) this.#setCourse();
    this.#polls += 1;
    const delayMs = this.#polls < FAST_POLLS ? pollMs / FASTER : pollMs;
    const poll = (): void => void this.#lifecycle.track(this.#poll());
    this.#timer = runtime.time.setTimer(delayMs, poll, { keepAlive: false });
  }

  /** True if the server had something new to say. */
  async #ask(subject: string): Promise<boolean> {
    const { runtime, timeoutMs } = this.#options;
    const sent = readClocks(runtime.time);
    try {
      const signal = this.#lifecycle.stopping;
      const { data } = await this.#bus.request(subject, TIME_QUESTION, { timeoutMs, signal });
      const received = readClocks(runtime.time);
      const answer = decodeTimeAnswer(data);
      if (answer === undefined) return this.#refuse(subject, "malformed");
      const { receivedMs, sentMs, errorBoundMs } = answer;
      if (errorBoundMs === null) return this.#refuse(subject, "unsynced");
      const remote = { remoteReceivedMs: receivedMs, remoteSentMs: sentMs };
      const exchange = { sent, received, ...remote, remoteErrorMs: errorBoundMs };
      const verdict = this.#estimators.get(subject)?.add(exchange);
      if (verdict?.kind === "refused") return this.#refuse(subject, verdict.reason);
      if ((verdict?.contradicted ?? 0) > 0) this.#tell({ kind: "time-server-jumped", subject });
      return true;
    } catch (error) {
      const code = isQuorateError(error) ? error.code : "unknown";
      if (!this.#lifecycle.isClosed) this.#tell({ kind: "time-poll-failed", subject, code });
      return false;
    }
  }

  #setCourse(): void {
    const { servers, runtime } = this.#options;
    const at = readClocks(runtime.time);
    const intervals = [...this.#estimators.values()].flatMap((estimator) => {
      const estimate = estimator.estimate(at);
      if (estimate === undefined) return [];
      const { nowMs, errorBoundMs } = estimate;
      return [{ lowMs: nowMs - errorBoundMs, highMs: nowMs + errorBoundMs }];
    });
    // All of where a majority may agree: a wrong server cannot talk us out of any of it.
    const majority = intervalOfAtLeast(intervals, Math.floor(servers.length / 2) + 1);
    if (majority === undefined) {
      return this.#tell({ kind: "time-without-majority", servers: servers.length });
    }
    const { lowMs, highMs } = majority;
    const errorBoundMs = (highMs - lowMs) / 2;
    this.clock.adjust({ nowMs: lowMs + errorBoundMs, errorBoundMs }, at);
    this.#firstSync.resolve();
  }

  #refuse(subject: string, reason: (TimeSyncEvent & { kind: "time-answer-refused" })["reason"]) {
    this.#tell({ kind: "time-answer-refused", subject, reason });
    return false;
  }

  #tell(event: TimeSyncEvent): void {
    const channel = this.#options.runtime.events.channel<TimeSyncEvent>("clock");
    if (channel.hasSubscribers) channel.publish(event);
  }
}

function isGiven([, value]: readonly unknown[]): boolean {
  return value !== undefined;
}

function checkServers(servers: readonly string[]): readonly string[] {
  if (!Array.isArray(servers) || servers.length === 0 || servers.length > MAX_SERVERS) {
    throw invalidArgument("servers", servers, `an array of 1 to ${MAX_SERVERS} subjects`);
  }
  for (const subject of servers) checkName("servers", subject as string);
  if (new Set(servers).size === servers.length) return [...(servers as readonly string[])];
  throw invalidArgument("servers", servers, "made of different subjects");
}
