/**
 * Which lanes wait, are at work, or rest: the order in which a relay attends to them.
 *
 * First come, first served; a lane at work is not given out twice, and one that has news meanwhile
 * comes again afterwards. A lane at rest comes when its time is over, or when there is news of it.
 * Memory is bounded by `maxLanes`: beyond it lanes are left out, and `overflowed` says that a scan
 * must find them again.
 */
import { DueHeap, type Ms, type Runtime, type Timer, type Waking } from "@quorate/core";

import type { Left } from "./source.ts";

interface Lane extends Waking {
  readonly name: string;
  state: "ready" | "working" | "working-with-news" | "resting";
  /** When the oldest message in it was stored. */
  oldestAtMs: Ms;
}

/** The agenda of one partition. */
export class Agenda {
  readonly #runtime: Pick<Runtime, "time">;
  readonly #maxLanes: number;
  readonly #lanes = new Map<string, Lane>();
  readonly #ready = new Set<Lane>();
  readonly #resting = new DueHeap<Lane>();
  readonly #waiting: ((name: string | undefined) => void)[] = [];
  #timer: Timer | undefined;
  #isClosed = false;
  /** Lanes were left out since this was last set to false. */
  overflowed: boolean = false;

  constructor(runtime: Pick<Runtime, "time">, maxLanes: number) {
    this.#runtime = runtime;
    this.#maxLanes = maxLanes;
  }

  /** Lanes that are not empty, as far as is known. */
  get size(): number {
    return this.#lanes.size;
  }

  /** When the oldest message was stored; `undefined`: none waits. Looks at each lane. */
  get oldestAtMs(): Ms | undefined {
    let oldest = Infinity;
    for (const { oldestAtMs } of this.#lanes.values()) oldest = Math.min(oldest, oldestAtMs);
    return oldest === Infinity ? undefined : oldest;
  }

  /** There is work in `name`. */
  note(name: string, oldestAtMs: Ms): void {
    if (this.#isClosed) return;
    const lane = this.#lanes.get(name);
    if (lane === undefined) {
      if (this.#lanes.size >= this.#maxLanes) {
        this.overflowed = true;
        return;
      }
      const fresh: Lane = { name, state: "ready", oldestAtMs, wakeMs: 0, heapIndex: -1 };
      this.#lanes.set(name, fresh);
      this.#makeReady(fresh);
      return;
    }
    lane.oldestAtMs = oldestAtMs;
    if (lane.state === "working") lane.state = "working-with-news";
    else if (lane.state === "resting") this.#makeReady(lane);
  }

  /** There is nothing in `name`. A lane at work is left to its worker. */
  forget(name: string): void {
    const lane = this.#lanes.get(name);
    if (lane === undefined || lane.state.startsWith("working")) return;
    this.#remove(lane);
  }

  /** The next lane, when there is one; `undefined` after `close`. It is at work until `done`. */
  next(): Promise<string | undefined> {
    if (this.#isClosed) return Promise.resolve(undefined);
    const [lane] = this.#ready;
    if (lane !== undefined) return Promise.resolve(this.#begin(lane));
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The work has ended: nothing is left, more is there now, or again after a rest. */
  done(name: string, left: Left): void {
    const lane = this.#lanes.get(name);
    if (lane === undefined || this.#isClosed) return;
    if (lane.state === "working-with-news" || left === "more") return this.#makeReady(lane);
    if (left === "nothing") return this.#remove(lane);
    lane.state = "resting";
    this.#resting.update(lane, this.#runtime.time.monotonicMs() + left.restMs);
    this.#setTimer();
  }

  /** No more work. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
    this.#lanes.clear();
    this.#ready.clear();
  }

  #makeReady(lane: Lane): void {
    this.#resting.remove(lane);
    lane.state = "ready";
    this.#ready.add(lane);
    this.#waiting.shift()?.(this.#begin(lane));
  }

  #begin(lane: Lane): string {
    this.#ready.delete(lane);
    lane.state = "working";
    return lane.name;
  }

  #remove(lane: Lane): void {
    this.#resting.remove(lane);
    this.#ready.delete(lane);
    this.#lanes.delete(lane.name);
  }

  #setTimer(): void {
    this.#timer?.cancel();
    const soonest = this.#resting.peek();
    if (soonest === undefined) return;
    const delayMs = soonest.wakeMs - this.#runtime.time.monotonicMs();
    this.#timer = this.#runtime.time.setTimer(Math.max(0, delayMs), () => this.#wake(), {
      keepAlive: false,
    });
  }

  #wake(): void {
    const nowMs = this.#runtime.time.monotonicMs();
    for (;;) {
      const lane = this.#resting.peek();
      if (lane === undefined || lane.wakeMs > nowMs) break;
      this.#makeReady(lane);
    }
    this.#setTimer();
  }
}
