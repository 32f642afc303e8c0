/**
 * Circuit breaker: stops calling what does not answer, and finds out when it does again.
 *
 * It watches the outcomes of the last calls. When too many of them were faults, or slow, it opens:
 * calls are rejected at once, with the time after which to ask again, instead of waiting for an
 * answer that will not come and adding to the load of what is down. After a time that grows with
 * each failed try, and is drawn by lot in part, it lets a few probes through. If they pass, calls
 * come back along a ramp.
 *
 * Guarantees: an outcome counts only in the state that let its call in; its own rejections, those
 * of other policies, cancels and outcomes classified `ignore` never count; a probe that hangs is
 * given up on; an idle breaker has no timer. Does not guarantee that a call that it lets through
 * succeeds, and does not end calls that are under way: that is for a timeout further in.
 *
 * Nygard, "Release It!", 2007; the ramp and the growing reset time follow Finagle's example.
 */
import type { BreakerEvents, BreakerState } from "./breaker-events.ts";
import { BreakerGuard } from "./breaker-guard.ts";
import type { BreakerOptions } from "./breaker-options.ts";
import type { BreakerSnapshot } from "./breaker-snapshot.ts";
import type { Tally } from "./fleet.ts";
import { LayeredPolicy } from "./policy.ts";

/** Counters of a breaker. */
export interface BreakerStats extends Tally {
  readonly state: BreakerState;
  /** Times it opened since it was made. */
  readonly opened: number;
  /** Calls that it did not let through. */
  readonly rejected: number;
  /** Outcomes that came after the state that had let their calls in. */
  readonly staleResults: number;
  /** Outcomes that said nothing of the dependency. */
  readonly ignored: number;
}

/**
 * A policy that rejects calls to what is down, with `BREAKER_OPEN`, effect `none`.
 *
 * Make one per dependency and share it among all callers. `pipe` puts it inside a retry, so that
 * it sees every attempt.
 */
export class Breaker extends LayeredPolicy implements AsyncDisposable {
  readonly #guard: BreakerGuard;

  /** Use `breaker(options)`. */
  constructor(options: BreakerOptions) {
    const guard = new BreakerGuard(options);
    super([guard], guard.runtime);
    this.#guard = guard;
  }

  /** Name in errors and events. */
  get name(): string {
    return this.#guard.name;
  }

  /** The state that a call would find now; time that has passed is taken into account. */
  get state(): BreakerState {
    return this.#guard.state;
  }

  /** Sums of the window, and counters since it was made. */
  get stats(): BreakerStats {
    const { voice, ignored, state } = this.#guard;
    const tally = this.#guard.tally(this.#guard.runtime.time.monotonicMs());
    const { opened, rejected, staleResults } = voice;
    return { state, ...tally, opened, rejected, staleResults, ignored };
  }

  /** Calls `listener` at each event of `type`, until the returned function is called. */
  on<K extends keyof BreakerEvents>(
    type: K,
    listener: (event: BreakerEvents[K]) => void,
  ): () => void {
    return this.#guard.voice.on(type, listener);
  }

  /**
   * Holds it open by hand until the handle is disposed of: all calls are rejected. Several holders
   * count. Calls under way go on, and their outcomes count.
   *
   * @throws CLOSED it was disposed of
   */
  isolate(): Disposable {
    return handle(this.#guard.hold("isolated"));
  }

  /**
   * Lets all calls through, whatever it thinks of them, until the handle is disposed of. Their
   * outcomes do not count. `isolate` is stronger.
   *
   * @throws CLOSED it was disposed of
   */
  forceClosed(): Disposable {
    return handle(this.#guard.hold("forced-closed"));
  }

  /** Opens it now, as if by its own judgement. @throws CLOSED it was disposed of */
  trip(): void {
    this.#guard.trip();
  }

  /**
   * Closes it now, without a ramp, with an empty window. Does not end an isolation, nor overrule
   * the fleet.
   *
   * @throws CLOSED it was disposed of
   */
  reset(): void {
    this.#guard.reset();
  }

  /** Its state as JSON, with what is left of the present state's time. */
  snapshot(): BreakerSnapshot {
    return this.#guard.snapshot();
  }

  /**
   * Goes on from a snapshot, of this process or another. Times longer than its own options allow
   * are cut.
   *
   * @throws INVALID_ARGUMENT it is no such snapshot; nothing has changed
   * @throws CLOSED it was disposed of
   */
  restore(snapshot: BreakerSnapshot): void {
    this.#guard.restore(snapshot);
  }

  /**
   * Ends it: later calls are rejected with `CLOSED`, outcomes of calls under way are dropped, the
   * fleet is left, nothing more is told. Resolves when nothing of it is left.
   */
  dispose(): Promise<void> {
    return this.#guard.dispose();
  }

  /** `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

function handle(release: () => void): Disposable {
  return { [Symbol.dispose]: release };
}

/**
 * A circuit breaker.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of range; the error names it
 * @example
 * import { breaker } from "@quorate/resilience";
 * const billing = breaker({ name: "billing", trip: { faultRate: 0.5, slowOverMs: 2_000 } });
 * billing.on("opened", ({ reason, forMs }) => console.log(`down: ${reason}, ${forMs} ms`));
 * const balance = await billing.run(async () => 42);
 */
export function breaker(options: BreakerOptions = {}): Breaker {
  return new Breaker(options);
}
