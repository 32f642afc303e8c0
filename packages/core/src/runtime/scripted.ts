/**
 * A runtime whose time moves only when the test says so, and whose chance comes from a seed.
 *
 * `advance(ms)` fires due timers in order of their time, and lets promises settle between two of
 * them, so a test reads as a script: what happens, when, and what is then true. `sleepMachine`
 * moves the wall clock alone, as a suspended laptop or a paused virtual machine does;
 * `stall` moves both clocks without firing timers, as a blocked event loop does.
 *
 * Does not guarantee: that I/O has settled. Real sockets do not live in scripted time.
 */
import { invariant } from "../checks.ts";
import { createIds } from "./ids.ts";
import type { EventChannel, Ids, Random, Runtime, Time } from "./runtime.ts";

/** An event that a scripted runtime has seen. */
export interface RecordedEvent {
  readonly name: string;
  readonly event: object;
}

/** Options of `ScriptedRuntime`. */
export interface ScriptedRuntimeOptions {
  /** Where the random stream starts. The same seed gives the same run. @default 1 */
  readonly seed?: number;
  /** The wall clock's first reading. @default 2026-01-01T00:00:00Z */
  readonly wallMs?: number;
}

interface ScriptedTimer {
  readonly dueMs: number;
  readonly callback: () => void;
  /** Fired or cancelled: skipped when its turn comes. */
  over: boolean;
}

const DEFAULT_WALL_MS = 1_767_225_600_000;

/**
 * Runtime for tests.
 *
 * @example
 * import { ScriptedRuntime } from "@quorate/core/testing";
 * const runtime = new ScriptedRuntime();
 * let fired = false;
 * runtime.time.setTimer(1_000, () => (fired = true));
 * await runtime.advance(999); // fired is false
 * await runtime.advance(1); // fired is true
 */
export class ScriptedRuntime implements Runtime {
  readonly time: Time;
  readonly random: Random;
  readonly ids: Ids;
  readonly events: { channel<T extends object>(name: string): EventChannel<T> };
  /** Events published so far, oldest first. */
  readonly recorded: RecordedEvent[] = [];
  /** By due time, then in the order of setting. Those that are over lie among them for a while. */
  #timers: ScriptedTimer[] = [];
  #pending = 0;
  #monotonicMs = 0;
  #wallMs: number;

  constructor(options: ScriptedRuntimeOptions = {}) {
    this.#wallMs = options.wallMs ?? DEFAULT_WALL_MS;
    this.random = seededRandom(options.seed ?? 1);
    this.time = {
      monotonicMs: () => this.#monotonicMs,
      wallMs: () => this.#wallMs,
      setTimer: (delayMs, callback) => {
        invariant(!Number.isNaN(delayMs), "a timer's delay is not a number");
        const timer = this.#insert(this.#monotonicMs + Math.max(0, delayMs), callback);
        return { cancel: () => this.#retire(timer) };
      },
    };
    this.ids = createIds(this.time, this.random);
    this.events = {
      channel: (name) => ({
        hasSubscribers: true,
        publish: (event) => void this.recorded.push({ name, event }),
      }),
    };
  }

  /** Timers that are set and have not fired; a leak shows here. */
  get pendingTimers(): number {
    return this.#pending;
  }

  /** Moves both clocks by `ms`, firing due timers in order and draining promises after each. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms;
    await drainPromises();
    for (let next = this.#nextDue(endMs); next !== undefined; next = this.#nextDue(endMs)) {
      this.#move(Math.max(0, next.dueMs - this.#monotonicMs));
      this.#retire(next);
      next.callback();
      await drainPromises();
    }
    this.#move(Math.max(0, endMs - this.#monotonicMs));
    await drainPromises();
  }

  /** The event loop is blocked for `ms`: both clocks move, no timer fires until `advance`. */
  stall(ms: number): void {
    this.#move(ms);
  }

  /** The machine sleeps for `ms`: the wall clock moves, the monotonic one stands still. */
  sleepMachine(ms: number): void {
    this.#wallMs += ms;
  }

  /** Somebody sets the wall clock; negative values set it back. */
  stepWallClock(ms: number): void {
    this.#wallMs += ms;
  }

  #move(ms: number): void {
    this.#monotonicMs += ms;
    this.#wallMs += ms;
  }

  #insert(dueMs: number, callback: () => void): ScriptedTimer {
    const timer: ScriptedTimer = { dueMs, callback, over: false };
    let from = 0;
    let to = this.#timers.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#timers[middle]?.dueMs ?? Infinity) <= dueMs) from = middle + 1;
      else to = middle;
    }
    this.#timers.splice(from, 0, timer);
    this.#pending += 1;
    return timer;
  }

  #retire(timer: ScriptedTimer): void {
    if (timer.over) return;
    timer.over = true;
    this.#pending -= 1;
    // Timers far away are mostly deadlines that were met: they must not pile up.
    if (this.#timers.length > 2 * this.#pending + 64) {
      this.#timers = this.#timers.filter((one) => !one.over);
    }
  }

  #nextDue(endMs: number): ScriptedTimer | undefined {
    while (this.#timers[0]?.over === true) this.#timers.shift();
    const [first] = this.#timers;
    return first !== undefined && first.dueMs <= endMs ? first : undefined;
  }
}

/** A turn of the real event loop runs every promise job that is due, however long the chain. */
function drainPromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Steele, Lea and Flood's SplitMix32 variant: small, even, and the same everywhere. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
  return { next, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256)) };
}
