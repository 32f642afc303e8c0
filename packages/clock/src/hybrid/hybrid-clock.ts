/**
 * Hybrid logical clock: timestamps close to wall time that never contradict cause and effect.
 *
 * The clock keeps the largest time it has seen, its own or a peer's. While the wall clock is ahead
 * of it, it follows; while not (two events in one millisecond, a peer that is ahead, a wall clock
 * that was set back) it counts. Timestamps are a total order for versions, logs and "last write
 * wins", and people can read them.
 *
 * Trust is bounded: a *remote* timestamp more than `maxDriftMs` ahead of our wall clock is refused
 * and changes nothing, as merging it would drag everybody into the future. The past is always
 * accepted. Our own wall clock is never a reason to throw: set back, the clock counts on.
 *
 * Guarantees: strictly increasing for one clock; after `receive(t)` every timestamp here is above
 * t; |timeMs - wall| ≤ `maxDriftMs` as far as remote timestamps are its cause. Does not guarantee:
 * that a smaller timestamp happened before; nor uniqueness after a restart with the wall clock set
 * back, for which there is `openHybridClock`.
 *
 * Kulkarni, Demirbas, Madappa, Avva, Leone, "Logical Physical Clocks", OPODIS 2014. Where we leave
 * it: the counter has 16 bits, and its overflow borrows a millisecond from the future.
 */
import {
  type EventChannel,
  type Events,
  inRange,
  knownOptions,
  type Ms,
  nonNegative,
  QuorateError,
  show,
  systemRuntime,
  type Time,
} from "@quorate/core";
import { checkNodeId, type NodeId } from "../node-id.ts";
import type { HybridClockEvent } from "./events.ts";
import {
  checkHybridTimestamp,
  type HybridTimestamp,
  MAX_COUNTER,
  MAX_TIME_MS,
} from "./timestamp.ts";

/** What the clock asks of the world: a `Runtime`, or only its wall clock. */
export interface HybridClockRuntime {
  readonly time: Pick<Time, "wallMs">;
  readonly events?: Events;
}

/** Options of `HybridClock`. */
export interface HybridClockOptions {
  /** This process. No other live process may use the same id. */
  readonly node: NodeId;
  /** Where the wall time comes from. @default systemRuntime */
  readonly runtime?: HybridClockRuntime;
  /**
   * How far a remote timestamp may be ahead of our wall clock. At least twice the error of the
   * fleet's clocks, or good peers are refused; larger, and one bad clock drags the others further.
   * @default 500
   */
  readonly maxDriftMs?: Ms;
  /** Every timestamp will be above this time: a bound stored by an earlier life. @default none */
  readonly startAfterMs?: Ms;
  /** No timestamp will be above this time until `raiseCeiling`. @default MAX_TIME_MS */
  readonly ceilingMs?: Ms;
}

/** Counts since the clock was made. */
export interface HybridClockStats {
  /** Times the wall clock was found set back by more than a tenth of `maxDriftMs`. */
  readonly backwardJumps: number;
  /** Times the counter was full and a millisecond was borrowed from the future. */
  readonly overflows: number;
  /** Remote timestamps refused as too far ahead. */
  readonly refused: number;
}

const DEFAULT_MAX_DRIFT_MS = 500;

/**
 * The clock of one process.
 *
 * @example
 * import { compareHybrid, HybridClock } from "@quorate/clock";
 * const paris = new HybridClock({ node: "paris" });
 * const tokyo = new HybridClock({ node: "tokyo" });
 * const sent = paris.now(); // travels with the message
 * const received = tokyo.receive(sent);
 * console.log(compareHybrid(sent, received)); // => -1
 */
export class HybridClock {
  /** This process. */
  readonly node: NodeId;
  /** How far ahead of our wall clock a remote timestamp may be. */
  readonly maxDriftMs: Ms;
  readonly #time: Pick<Time, "wallMs">;
  readonly #events: EventChannel<HybridClockEvent> | undefined;
  #timeMs = 0;
  #counter = -1; // The first event of a wall clock at zero has counter 0.
  #ceilingMs: Ms;
  #lastWallMs = 0;
  #isAheadTold = false;
  #backwardJumps = 0;
  #overflows = 0;
  #refused = 0;

  /** @throws INVALID_ARGUMENT an option is not what it must be. */
  constructor(options: HybridClockOptions) {
    const names = ["node", "runtime", "maxDriftMs", "startAfterMs", "ceilingMs"] as const;
    knownOptions("options", options, names);
    const runtime = options.runtime ?? systemRuntime;
    this.node = checkNodeId("node", options.node);
    this.maxDriftMs = nonNegative("maxDriftMs", options.maxDriftMs ?? DEFAULT_MAX_DRIFT_MS);
    this.#time = runtime.time;
    this.#events = runtime.events?.channel<HybridClockEvent>("clock");
    this.#ceilingMs = checkTimeMs("ceilingMs", options.ceilingMs ?? MAX_TIME_MS);
    if (options.startAfterMs === undefined) return;
    this.#timeMs = checkTimeMs("startAfterMs", options.startAfterMs);
    this.#counter = MAX_COUNTER; // Whatever the wall clock says, the next event is above.
  }

  /** Time of the last event, or the bound that was started from; 0 before the first. */
  get timeMs(): Ms {
    return this.#timeMs;
  }

  /** How far the clock is ahead of the wall now; 0 while it follows. */
  get aheadMs(): Ms {
    return Math.max(0, this.#timeMs - this.#time.wallMs());
  }

  /** False while others may refuse our timestamps: see `untilTrusted`. */
  get isTrusted(): boolean {
    return this.aheadMs <= this.maxDriftMs;
  }

  /** What happened so far. */
  get stats(): HybridClockStats {
    const [backwardJumps, overflows, refused] = [
      this.#backwardJumps,
      this.#overflows,
      this.#refused,
    ];
    return { backwardJumps, overflows, refused };
  }

  /**
   * The timestamp of a local event, or of a message to be sent: above every one before.
   *
   * A wall clock that is frozen or set back is no reason to throw.
   *
   * @throws STORE_UNAVAILABLE the ceiling is reached, as no later bound could be stored; nothing
   * changed. Only with `ceilingMs`.
   * @throws TOO_LARGE there is no later timestamp: the year is 10889, or the wall clock said so.
   */
  now(): HybridTimestamp {
    const wallMs = this.#time.wallMs();
    if (wallMs < this.#lastWallMs) this.#wallSteppedBack(wallMs);
    this.#lastWallMs = wallMs;
    if (isPast(this.#timeMs, wallMs)) this.#follow(wallMs);
    else if (this.#counter < MAX_COUNTER) this.#counter += 1;
    else this.#carry(this.#timeMs, wallMs);
    return { timeMs: this.#timeMs, counter: this.#counter, node: this.node };
  }

  /**
   * The timestamp of receiving a message stamped `remote`: above it, and above every one before.
   *
   * @throws CLOCK_DRIFT `remote` is more than `maxDriftMs` ahead of our wall clock and news to us;
   * nothing changed.
   * @throws INVALID_ARGUMENT `remote` is not a timestamp; nothing changed.
   * @throws STORE_UNAVAILABLE as with `now`.
   */
  receive(remote: HybridTimestamp): HybridTimestamp {
    checkHybridTimestamp("remote", remote);
    const wallMs = this.#time.wallMs();
    if (wallMs < this.#lastWallMs) this.#wallSteppedBack(wallMs);
    this.#lastWallMs = wallMs;
    // What we have passed already can drag us nowhere, whatever our wall clock says by now.
    if (this.#isNews(remote)) this.#checkNews(remote, wallMs);
    const timeMs = Math.max(this.#timeMs, remote.timeMs);
    if (isPast(timeMs, wallMs)) this.#follow(wallMs);
    else this.#count(timeMs, remote, wallMs);
    return { timeMs: this.#timeMs, counter: this.#counter, node: this.node };
  }

  /** Allows timestamps up to `timeMs`. A lower ceiling than before is ignored. */
  raiseCeiling(timeMs: Ms): void {
    this.#ceilingMs = Math.max(this.#ceilingMs, checkTimeMs("timeMs", timeMs));
  }

  /** The wall clock is ahead: take its time. */
  #follow(wallMs: number): void {
    const timeMs = Math.min(Math.floor(wallMs), MAX_TIME_MS);
    if (timeMs > this.#ceilingMs) throw this.#beyondCeiling();
    this.#timeMs = timeMs;
    this.#counter = 0;
    this.#isAheadTold = false;
  }

  /** The wall clock is behind: one more event of `timeMs`, after ours and after `remote`'s. */
  #count(timeMs: number, remote: HybridTimestamp, wallMs: number): void {
    const ours = this.#timeMs === timeMs ? this.#counter : -1;
    const theirs = remote.timeMs === timeMs ? remote.counter : -1;
    const counter = Math.max(ours, theirs) + 1;
    if (counter > MAX_COUNTER) return this.#carry(timeMs, wallMs);
    if (timeMs > this.#ceilingMs) throw this.#beyondCeiling();
    this.#timeMs = timeMs;
    this.#counter = counter;
  }

  /** The counter of `fullMs` is used up: borrow the next millisecond. */
  #carry(fullMs: number, wallMs: number): void {
    if (fullMs + 1 > this.#ceilingMs) throw this.#beyondCeiling();
    this.#timeMs = fullMs + 1;
    this.#counter = 0;
    this.#overflows += 1;
    this.#tellIfAhead(wallMs);
  }

  #isNews(remote: HybridTimestamp): boolean {
    if (remote.timeMs !== this.#timeMs) return remote.timeMs > this.#timeMs;
    return remote.counter > this.#counter;
  }

  #checkNews(remote: HybridTimestamp, wallMs: number): void {
    const aheadMs = remote.timeMs - wallMs;
    if (!(aheadMs <= this.maxDriftMs)) {
      this.#refused += 1;
      this.#tell({ kind: "drift-refused", node: this.node, from: remote.node, aheadMs });
      throw drift(remote.node, aheadMs, this.maxDriftMs);
    }
    if (remote.node === this.node) this.#tell({ kind: "node-id-shared", node: this.node });
  }

  #wallSteppedBack(wallMs: number): void {
    const byMs = this.#lastWallMs - wallMs;
    if (byMs <= this.maxDriftMs / 10) return; // A time service at work, not a fault.
    this.#backwardJumps += 1;
    this.#tell({ kind: "wall-stepped-back", node: this.node, byMs });
    this.#tellIfAhead(wallMs);
  }

  #tellIfAhead(wallMs: number): void {
    const aheadMs = this.#timeMs - wallMs;
    if (aheadMs <= this.maxDriftMs || this.#isAheadTold) return;
    this.#isAheadTold = true;
    this.#tell({ kind: "clock-ahead", node: this.node, aheadMs });
  }

  #tell(event: HybridClockEvent): void {
    if (this.#events?.hasSubscribers === true) this.#events.publish(event);
  }

  #beyondCeiling(): QuorateError {
    if (this.#ceilingMs === MAX_TIME_MS) {
      const details = { option: "timeMs", size: MAX_TIME_MS + 1, limit: MAX_TIME_MS };
      const message = `there is no timestamp after ${MAX_TIME_MS}; set the wall clock right`;
      return new QuorateError("TOO_LARGE", message, { effect: "none", details });
    }
    const message =
      `no timestamp above ${this.#ceilingMs} ms: a later bound against reuse is not stored yet; ` +
      "see the event bound-not-stored for why";
    const details = { operation: "clock.bound" };
    return new QuorateError("STORE_UNAVAILABLE", message, { effect: "none", details });
  }
}

/** False for a wall clock that is not a number, and at the end of time, where counting is left. */
function isPast(timeMs: number, wallMs: number): boolean {
  return wallMs >= timeMs + 1 && timeMs < MAX_TIME_MS;
}

function checkTimeMs(option: string, value: number): number {
  return Math.floor(inRange(option, value, 0, MAX_TIME_MS));
}

function drift(node: NodeId, aheadMs: Ms, maxDriftMs: Ms): QuorateError<"CLOCK_DRIFT"> {
  const details = { node, aheadMs, maxDriftMs };
  const message =
    `a timestamp of ${show(node)} is ${aheadMs} ms ahead of our wall clock, ` +
    `at most ${maxDriftMs} ms are trusted; compare both machines' clocks with a third`;
  return new QuorateError("CLOCK_DRIFT", message, { effect: "none", details });
}
