/**
 * The circuit behind the facade: this package's breaker machine, told when to open by opossum's
 * documented rule, failures by fires above a percentage.
 *
 * What the machine brings with it: an outcome counts only in the state that let its call in, the
 * rate begins anew with each state, and a probe that hangs cannot hold the circuit half-open.
 */
import type { Ms, Runtime } from "@quorate/core";

import { BreakerMachine, type Transition } from "../breaker-machine.ts";
import type { BreakerSettings } from "../breaker-options.ts";
import { reportFailure } from "../emitter.ts";
import { circuitError, isAbort } from "./errors.ts";
import type { Tell } from "./events.ts";
import { type CircuitWork, type Ended, Firing, type Firm } from "./firing.ts";
import type { CircuitState, Settings } from "./options.ts";
import { RollingRate } from "./rolling.ts";
import { Signals } from "./signals.ts";
import type { Status } from "./status.ts";

/** How a call ended for its caller, after all is decided. */
export type Fallback = (error: unknown, args: readonly unknown[]) => Promise<unknown> | undefined;

/** Without a reset time of its own a hung probe is waited for as long as by default. */
const DEFAULT_PROBE_MS = 30_000;

/** One circuit. */
export class Circuit implements Firm {
  readonly runtime: Runtime;
  readonly status: Status;
  readonly signals: Signals;
  /** Wall time of the last opening. */
  openedAtMs: Ms = 0;
  /** Until when failures do not open it. */
  warmUntilMs: Ms;
  readonly #settings: Settings;
  readonly #machine: BreakerMachine;
  readonly #rate: RollingRate;
  readonly #tell: Tell;
  readonly #fallback: Fallback;
  readonly #probeMs: Ms;
  #running = 0;
  /** The last probe that was let through, unless it came back undecided. */
  #probe: Firing | undefined = undefined;
  #cancelReset: () => void = () => {};
  #isShutdown = false;

  constructor(settings: Settings, tell: Tell, fallback: Fallback) {
    const { runtime, status } = settings;
    this.runtime = runtime;
    this.status = status;
    this.#settings = settings;
    this.#tell = tell;
    this.#fallback = fallback;
    this.#rate = new RollingRate(status.buckets, status.bucketAt, this.#nowMs());
    const { fires, failures } = status.stats;
    this.#rate.prime(fires, failures, this.#nowMs());
    this.#machine = new BreakerMachine(machineSettings(settings), this.#rate, runtime.random);
    this.signals = new Signals(settings.controller, settings.renewsController);
    this.warmUntilMs = -Infinity;
    const isReal = settings.resetMs > 0 && settings.resetMs < Infinity;
    this.#probeMs = isReal ? settings.resetMs : DEFAULT_PROBE_MS;
  }

  get isShutdown(): boolean {
    return this.#isShutdown;
  }

  get kind(): "closed" | "open" | "half-open" | "shutdown" {
    if (this.#isShutdown) return "shutdown";
    const kind = this.#machine.kindAt(this.#nowMs());
    return kind === "ramping" ? "closed" : kind;
  }

  /** Half-open, and the probe is still to come. */
  get isProbeDue(): boolean {
    return this.kind === "half-open" && this.#probe?.epoch !== this.#machine.epoch;
  }

  get isWarmingUp(): boolean {
    return this.#nowMs() < this.warmUntilMs;
  }

  /** Runs the action under the circuit; `begin` is told the call before the action starts. */
  run(
    nowMs: Ms,
    work: CircuitWork,
    begin: ((firing: Firing) => void) | undefined,
  ): Promise<unknown> {
    this.#apply(this.#machine.tick(nowMs));
    if (!this.#machine.admit(nowMs)) {
      const error = circuitError("EOPENBREAKER", "Breaker is open");
      this.status.increment("rejects", nowMs);
      this.#tell("reject", error);
      return this.#fallback(error, work.args) ?? Promise.reject(error);
    }
    if (this.#running >= this.#settings.capacity) {
      this.#machine.giveBack();
      const error = circuitError("ESEMLOCKED", "Semaphore locked");
      this.status.increment("semaphoreRejections", nowMs);
      this.#tell("semaphoreLocked", error, 0);
      return this.#fallback(error, work.args) ?? Promise.reject(error);
    }
    const { epoch, kind } = this.#machine;
    const { timeoutMs } = this.#settings;
    const isProbe = kind === "half-open";
    const terms = { epoch, isProbe, startMs: nowMs, timeoutMs, probeMs: this.#probeMs };
    const firing = new Firing(this, work.args, terms);
    this.#running += 1;
    if (isProbe) this.#probe = firing;
    else this.#rate.fire(nowMs);
    begin?.(firing);
    firing.start(this.signals, work);
    return firing.promise;
  }

  ended(firing: Firing, outcome: Ended): void {
    if (this.#isShutdown) return settle(firing, outcome, this.#settings.timeoutMs);
    if (outcome.kind === "value") this.#succeeded(firing, outcome.value);
    else if (outcome.kind === "timeout") this.#timedOut(firing);
    else if (isAbort(outcome.error)) this.#givenUp(firing, outcome.error);
    else this.#threw(firing, outcome.error);
  }

  left(): void {
    this.#running -= 1;
  }

  hung(firing: Firing): void {
    if (this.#isCurrent(firing)) this.#apply(this.#machine.record(true, false, this.#nowMs()));
  }

  open(): void {
    if (this.kind !== "open" && !this.#isShutdown) this.#apply(this.#machine.trip(this.#nowMs()));
  }

  close(): void {
    if (this.kind !== "closed" && !this.#isShutdown) this.#apply(this.#machine.reset("by-hand"));
  }

  /** Goes on from what `toJSON` once gave. */
  restore(state: CircuitState): void {
    if (state.closed !== false) return;
    const { resetMs } = this.#settings;
    const openedAtMs = Number.isFinite(state.lastTimerAt) ? (state.lastTimerAt as number) : 0;
    const nowWallMs = this.runtime.time.wallMs();
    // A clock that was set back must not keep it open for longer than it was meant to be.
    const elapsedMs = openedAtMs > 0 ? Math.max(0, nowWallMs - openedAtMs) : 0;
    const isHalfOpen = state.halfOpen === true || elapsedMs > resetMs;
    const openForMs = Math.max(0, resetMs - elapsedMs);
    const record = isHalfOpen
      ? ({ state: "half-open", openings: 1 } as const)
      : ({ state: "open", openForMs, openings: 1 } as const);
    this.#apply(this.#machine.restore(record, this.#nowMs()));
    this.openedAtMs = openedAtMs > 0 ? openedAtMs : this.openedAtMs;
  }

  shutdown(): void {
    this.#isShutdown = true;
    this.#cancelReset();
    this.#machine.reset("by-hand");
    this.status.shutdown();
  }

  #nowMs(): Ms {
    return this.runtime.time.monotonicMs();
  }

  #isCurrent(firing: Firing): boolean {
    return firing.epoch === this.#machine.epoch && !this.#isShutdown;
  }

  #succeeded(firing: Firing, value: unknown): void {
    const { endMs, latencyMs } = firing;
    this.status.increment("successes", endMs, latencyMs);
    const transition = this.#probePassed(firing);
    firing.resolve(value);
    this.#apply(transition);
    this.#tell("success", value, latencyMs);
  }

  #timedOut(firing: Firing): void {
    const { timeoutMs } = this.#settings;
    const error = circuitError("ETIMEDOUT", `Timed out after ${timeoutMs}ms`);
    this.status.increment("timeouts", firing.endMs);
    this.#tell("timeout", error, firing.latencyMs, [...firing.args]);
    this.#threw(firing, error);
    this.signals.abort(firing);
  }

  /** The caller's own abort says nothing of the dependency. */
  #givenUp(firing: Firing, error: unknown): void {
    if (firing.isProbe && this.#isCurrent(firing)) {
      this.#machine.giveBack();
      this.#probe = undefined;
    }
    firing.reject(error);
  }

  #threw(firing: Firing, error: unknown): void {
    const { endMs, latencyMs } = firing;
    const args = [...firing.args];
    if (this.#isAnswer(error, args)) {
      this.status.increment("successes", endMs, latencyMs);
      const transition = this.#probePassed(firing);
      firing.reject(error);
      this.#apply(transition);
      return this.#tell("success", error, latencyMs);
    }
    this.status.increment("failures", endMs, latencyMs);
    const transition = this.#isCurrent(firing) ? this.#failed(firing) : undefined;
    this.#tell("failure", error, latencyMs, args);
    this.#apply(transition);
    const instead = this.#fallback(error, args);
    if (instead === undefined) firing.reject(error);
    else firing.resolve(instead);
  }

  #probePassed(firing: Firing): Transition | undefined {
    if (!firing.isProbe || !this.#isCurrent(firing)) return undefined;
    return this.#machine.record(false, false, this.#nowMs());
  }

  /** opossum's rule: above so many percent of the fires, if there were enough of them. */
  #failed(firing: Firing): Transition | undefined {
    if (firing.isProbe) return this.#machine.record(true, false, this.#nowMs());
    this.#rate.fail(firing.endMs);
    const { volumeThreshold, errorThreshold } = this.#settings;
    const { fired, faults } = this.#rate;
    if (this.isWarmingUp || fired < volumeThreshold) return undefined;
    const percentage = (faults / fired) * 100;
    return percentage > errorThreshold ? this.#machine.trip(this.#nowMs()) : undefined;
  }

  #isAnswer(error: unknown, args: readonly unknown[]): boolean {
    try {
      return Boolean(this.#settings.errorFilter?.(error, ...args));
    } catch (failure) {
      reportFailure(this.runtime, "errorFilter", failure);
      return false;
    }
  }

  #apply(transition: Transition | undefined): void {
    if (transition === undefined || transition.from === transition.to) return;
    this.#cancelReset();
    if (transition.to === "open") {
      this.openedAtMs = this.runtime.time.wallMs();
      this.#armReset(transition.forMs ?? Infinity);
      this.#tell("open");
    } else if (transition.to === "half-open") this.#tell("halfOpen", this.#settings.resetMs);
    else this.#tell("close");
  }

  /** Only so that `halfOpen` is told on time: calls find out by themselves. */
  #armReset(forMs: Ms): void {
    if (forMs === Infinity) return;
    const timer = this.runtime.time.setTimer(
      forMs,
      () => this.#apply(this.#machine.tick(this.#nowMs())),
      { keepAlive: false },
    );
    this.#cancelReset = () => timer.cancel();
  }
}

/** Opens when it is told to, for a fixed time; one probe decides. */
function machineSettings({ resetMs }: Settings): BreakerSettings {
  return {
    trip: {
      minCalls: Infinity,
      faultRate: Infinity,
      consecutive: Infinity,
      slowOverMs: Infinity,
      slowRate: Infinity,
    },
    reset: { afterMs: resetMs, maxMs: resetMs, jitter: 0 },
    probes: { count: 1, passes: 1, timeoutMs: Infinity },
    rampMs: 0,
  };
}

/** After a shutdown callers get what their actions did, and nobody else is told. */
function settle(firing: Firing, outcome: Ended, timeoutMs: Ms): void {
  if (outcome.kind === "value") firing.resolve(outcome.value);
  else if (outcome.kind === "error") firing.reject(outcome.error);
  else firing.reject(circuitError("ETIMEDOUT", `Timed out after ${timeoutMs}ms`));
}
