/**
 * A node: a process or a server, with its own clocks, chance and disk, that the world may hurt.
 *
 * What the faults mean, exactly:
 * - **kill**: no promise of this incarnation ever settles again; its timers never fire, what
 *   arrives for it is dropped. The disk stays. What it sent before is on its way and arrives.
 * - **restart**: a new incarnation with a new runtime, on the disk as it was kept, or an empty one.
 * - **pause**: the event loop is blocked, or the process is stopped. Its events wait, its clocks
 *   run on. When it resumes, due timers run before what arrived meanwhile, as in Node: that order
 *   is why a stalled process accuses healthy peers.
 * - **pause before the next send**: the stop of a garbage collector between the last look at a
 *   lock and the write that the lock was to protect. The message leaves when the pause ends.
 * - **suspend**: the machine sleeps. Its monotonic clock stands still, so timers are later by the
 *   sleep; its wall clock runs on. Datagrams to it are lost.
 * - **skew**: the wall clock is set, or both clocks run at another rate from now on.
 *
 * Does not model: a stop in the middle of synchronous code, nor a disk that loses what was written.
 */
import { AsyncResource } from "node:async_hooks";
import type { Runtime } from "@quorate/core";
import { NodeClock } from "./node-clock.ts";
import { nodeRuntime, type RuntimeHost } from "./node-runtime.ts";
import type { Scheduler } from "./scheduler.ts";
import { hashText, type Seed, Stream, unitOf } from "./seed.ts";
import { type EventKind, type EventOwner, SimEvent } from "./sim-event.ts";

/** What a node is doing. */
export type NodeState = "running" | "paused" | "suspended" | "dead";

/** What becomes of the disk at a restart. */
export type DiskFate = "keep" | "wipe";

/** How a process ends: its connections are closed for it, or its machine is just gone. */
export type DeathManner = "closes" | "vanishes";

/** What a node is made of. */
export interface NodeOptions {
  readonly name: string;
  readonly role: "process" | "server";
  readonly seed: Seed;
  /** The wall clock of the world when the run begins, in microseconds since 1970. */
  readonly epochUs: number;
  /** Hears what this node's code publishes on `runtime.events`. */
  readonly onEvent?: (node: SimNode, name: string, event: object) => void;
}

/** Datagrams that a paused process's socket keeps; further ones are lost, as by the kernel. */
const MAX_PARKED_DATAGRAMS = 1_000;

/** Of events that are not for one incarnation. */
const ANY_INCARNATION = 0;

/** A timer of Node is late by up to this. */
const TIMER_LATE_US = 1_000;

/** No timer of Node is shorter. */
const SHORTEST_TIMER_US = 1_000;

/**
 * No timer at all is: who waits for a rest of a microsecond that rounding left over would else
 * find, at the same instant, that it is not quite time yet, and so for ever.
 */
const SHORTEST_SERVER_TIMER_US = 1;

/** Ties below those that are drawn: on resume, due timers come first, then the rest. */
const TIMERS_FIRST = -2e9;
const ARRIVALS_NEXT = -1e9;

/** One process or server. */
export class SimNode implements EventOwner {
  readonly name: string;
  readonly role: "process" | "server";
  readonly key: number;
  readonly clock: NodeClock;
  /** Bytes that outlive the process, by file name. */
  readonly disk: Map<string, Uint8Array> = new Map<string, Uint8Array>();
  readonly #options: NodeOptions;
  readonly #scheduler: Scheduler;
  readonly #startListeners = new Set<() => void>();
  readonly #endListeners = new Set<(manner: DeathManner) => void>();
  readonly #outbox: (() => void)[] = [];
  #parked: SimEvent[] = [];
  #state: NodeState = "running";
  #incarnation = 1;
  #runtime: Runtime;
  #random: Stream;
  #ties: number;
  #timersSet = 0;
  #pendingTimers = 0;
  #stoppedUntilUs = 0;
  #pauseBeforeSendUs = 0;
  #lastActiveUs = 0;

  constructor(scheduler: Scheduler, options: NodeOptions) {
    const { name, seed } = options;
    this.name = name;
    this.role = options.role;
    this.key = hashText(name, seed.low ^ seed.high);
    this.#ties = this.key;
    this.#options = options;
    this.#scheduler = scheduler;
    this.#random = new Stream(seed, `${name}#1`);
    this.clock = new NodeClock(options.epochUs);
    this.#runtime = this.#newRuntime();
  }

  /** Which life of this node runs: 1, and one more with each restart. */
  get incarnation(): number {
    return this.#incarnation;
  }

  /** Whether it runs, stands still, or is down. */
  get state(): NodeState {
    return this.#state;
  }

  /** The runtime of this incarnation. */
  get runtime(): Runtime {
    return this.#runtime;
  }

  /** Timers of this incarnation that wait. */
  get pendingTimers(): number {
    return this.#pendingTimers;
  }

  /** World time of the last event that ran here. */
  get lastActiveUs(): number {
    return this.#lastActiveUs;
  }

  nextTie(): number {
    this.#ties = (this.#ties + 1) | 0;
    return this.#ties;
  }

  /**
   * Runs `run` here, `delayUs` from now, unless this incarnation has ended by then. Datagrams are
   * for whichever incarnation runs when they arrive.
   */
  schedule(delayUs: number, kind: EventKind, run: () => void): SimEvent {
    const event = this.#scheduler.schedule(delayUs, this, kind, run);
    event.incarnation = kind === "datagram" ? ANY_INCARNATION : this.#incarnation;
    return event;
  }

  admits(event: SimEvent): boolean {
    const isMine = event.incarnation === this.#incarnation || event.incarnation === ANY_INCARNATION;
    if (this.#state === "dead" || !isMine) {
      event.over = true;
      return false;
    }
    if (this.#state !== "running") return this.#park(event);
    const nowUs = this.#scheduler.nowUs;
    if (event.dueUs >= 0 && this.clock.steadyUs(nowUs) < event.dueUs) {
      const dueAtUs = this.clock.worldUs(event.dueUs) ?? Infinity;
      this.#scheduler.put(event, Math.max(nowUs + 1, dueAtUs));
      return false;
    }
    this.#lastActiveUs = nowUs;
    return true;
  }

  /** Calls `listener` when this incarnation ends. Returns the way to unsubscribe. */
  onEnd(listener: (manner: DeathManner) => void): () => void {
    this.#endListeners.add(listener);
    return () => void this.#endListeners.delete(listener);
  }

  /** Calls `listener` at each restart. */
  onRestart(listener: () => void): void {
    this.#startListeners.add(listener);
  }

  /** Ends this incarnation; `vanishes`: nobody is told, as when a machine loses power. */
  kill(manner: DeathManner = "closes"): void {
    if (this.#state === "dead") return;
    this.#note(`killed, ${manner}`);
    this.#state = "dead";
    this.#pendingTimers = 0;
    this.#pauseBeforeSendUs = 0;
    this.#outbox.length = 0;
    for (const event of this.#parked) event.over = true;
    this.#parked = [];
    const listeners = [...this.#endListeners];
    this.#endListeners.clear(); // Before: a listener may wait for the next end at once.
    for (const listener of listeners) listener(manner);
  }

  /** Starts a new incarnation, after killing one that runs. */
  restart(options: { readonly disk?: DiskFate } = {}): void {
    this.kill();
    if (options.disk === "wipe") this.disk.clear();
    this.#incarnation += 1;
    this.#state = "running";
    this.#stoppedUntilUs = 0;
    this.#random = new Stream(this.#options.seed, `${this.name}#${this.#incarnation}`);
    this.clock.wake(this.#scheduler.nowUs);
    this.#runtime = this.#newRuntime();
    this.#note(`restarted as incarnation ${this.#incarnation}, disk ${options.disk ?? "keep"}`);
    for (const listener of [...this.#startListeners]) listener();
  }

  /** Stops the process for `ms`, or until `resume`. A longer stop swallows a shorter one. */
  pause(ms: number = Infinity): void {
    if (this.#state === "dead" || this.#state === "suspended") return;
    if (this.#state === "running") this.#note("paused");
    this.#state = "paused";
    this.#stopFor(ms);
  }

  /** Puts the machine to sleep for `ms`. */
  suspend(ms: number): void {
    if (this.#state === "dead" || this.#state === "suspended") return;
    this.#note("suspended");
    this.#state = "suspended";
    this.clock.sleep(this.#scheduler.nowUs);
    this.#stopFor(ms);
  }

  /** Goes on at once after a pause or a sleep. */
  resume(): void {
    if (this.#state !== "paused" && this.#state !== "suspended") return;
    const slept = this.#state === "suspended";
    this.#state = "running";
    this.#stoppedUntilUs = 0;
    if (slept) this.clock.wake(this.#scheduler.nowUs);
    this.#note("resumed");
    this.#unpark();
    if (slept) this.#retimeTimers();
    const departures = this.#outbox.splice(0);
    for (const depart of departures) depart();
  }

  /** Stops the process for `ms` at its next message, which leaves when the stop ends. */
  pauseBeforeNextSend(ms: number): void {
    if (this.#state !== "dead") this.#pauseBeforeSendUs = Math.ceil(ms * 1_000);
  }

  /** Sets the wall clock by `jumpMs`; lets both clocks run at `rate` from now on. */
  skew(change: { readonly jumpMs?: number; readonly rate?: number }): void {
    const nowUs = this.#scheduler.nowUs;
    if (change.jumpMs !== undefined) this.clock.jump(nowUs, change.jumpMs * 1_000);
    if (change.rate === undefined) return;
    this.clock.setRate(nowUs, change.rate);
    this.#retimeTimers();
  }

  /** Lets a message leave: now, or when the pause ends that it runs into. */
  send(depart: () => void): void {
    if (this.#pauseBeforeSendUs > 0 && this.#state === "running") {
      const pauseMs = this.#pauseBeforeSendUs / 1_000;
      this.#pauseBeforeSendUs = 0;
      this.#scheduler.witness.count("pause-before-send hit");
      this.pause(pauseMs);
    }
    if (this.#state === "running") depart();
    else if (this.#state !== "dead") this.#outbox.push(depart);
  }

  /** What this node's chance has come to, for the run's hash. */
  fingerprint(): number {
    return this.#random.uint32();
  }

  #newRuntime(): Runtime {
    const mine = this.#incarnation;
    const isServer = this.role === "server";
    const originUs = this.clock.steadyUs(this.#scheduler.nowUs) - firstReadingUs(this.#random);
    const lateUs = isServer ? 0 : TIMER_LATE_US;
    const shortestUs = isServer ? SHORTEST_SERVER_TIMER_US : SHORTEST_TIMER_US;
    const host: RuntimeHost = {
      scheduler: this.#scheduler,
      clock: this.clock,
      originUs,
      wallTickUs: isServer ? 1 : 1_000,
      isAlive: () => this.#state !== "dead" && this.#incarnation === mine,
      setTimer: (delayUs, callback) => {
        return this.#setTimer(Math.max(shortestUs, delayUs), lateUs, callback);
      },
      timerCancelled: () => {
        if (host.isAlive()) this.#pendingTimers -= 1;
      },
      publish: (name, event) => this.#options.onEvent?.(this, name, event),
    };
    return nodeRuntime(host, this.#random);
  }

  #setTimer(delayUs: number, lateUs: number, callback: () => void): SimEvent {
    const nowUs = this.#scheduler.nowUs;
    this.#timersSet += 1;
    const late = lateUs === 0 ? 0 : unitOf(this.key, this.#timersSet, 7) * lateUs;
    // As in Node, what is called later finds the async context in which it was asked for.
    const context = new AsyncResource("SimTimer");
    const fire = (): void => {
      this.#pendingTimers -= 1;
      context.runInAsyncScope(callback);
    };
    const event = new SimEvent(this, "timer", fire);
    event.dueUs = this.clock.steadyUs(nowUs) + delayUs + late;
    event.incarnation = this.#incarnation;
    event.tie = this.#scheduler.tieOf(this);
    this.#pendingTimers += 1;
    // While the machine sleeps nobody sets timers; were it so, waking would time it.
    this.#scheduler.put(event, this.clock.worldUs(event.dueUs) ?? Infinity);
    return event;
  }

  #stopFor(ms: number): void {
    const untilUs = this.#scheduler.nowUs + ms * 1_000;
    if (untilUs <= this.#stoppedUntilUs) return;
    this.#stoppedUntilUs = untilUs;
    if (!Number.isFinite(untilUs)) return;
    const mine = this.#incarnation;
    this.#scheduler.scheduleAt(untilUs, undefined, "resume", () => {
      const isOver = this.#stoppedUntilUs <= this.#scheduler.nowUs;
      if (isOver && this.#incarnation === mine) this.resume();
    });
  }

  #park(event: SimEvent): boolean {
    if (event.kind === "datagram" && !this.#takesDatagram()) {
      this.#scheduler.witness.count("datagram lost at a stopped process");
      event.over = true;
      return false;
    }
    event.parked = true;
    this.#parked.push(event);
    return false;
  }

  #takesDatagram(): boolean {
    if (this.#state === "suspended") return false;
    return this.#parked.filter(({ kind }) => kind === "datagram").length < MAX_PARKED_DATAGRAMS;
  }

  #unpark(): void {
    const nowUs = this.#scheduler.nowUs;
    const parked = this.#parked.filter(({ over }) => !over);
    this.#parked = [];
    const timers = parked.filter(({ dueUs }) => dueUs >= 0).sort((a, b) => a.dueUs - b.dueUs);
    const arrivals = parked.filter(({ dueUs }) => dueUs < 0);
    for (const [index, event] of timers.entries()) {
      event.tie = TIMERS_FIRST + index;
      this.#scheduler.put(event, Math.max(nowUs, this.clock.worldUs(event.dueUs) ?? Infinity));
    }
    for (const [index, event] of arrivals.entries()) {
      event.tie = ARRIVALS_NEXT + index;
      this.#scheduler.put(event, nowUs);
    }
  }

  #retimeTimers(): void {
    this.#scheduler.retime(this, ({ dueUs }) =>
      dueUs < 0 ? undefined : this.clock.worldUs(dueUs),
    );
  }

  #note(text: string): void {
    this.#scheduler.witness.line(this.#scheduler.nowUs, this.name, "state", text);
  }
}

/** Monotonic clocks start anywhere: who compares those of two processes must be found out. */
function firstReadingUs(random: Stream): number {
  return 1_000 + random.below(1_000_000_000);
}
