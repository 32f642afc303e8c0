/**
 * Virtual time: timers in order, each with the process that set it.
 *
 * Nobody waits: when nothing else can happen, time jumps to the next timer. A dead process's timers
 * never fire; those of a paused one pile up until it goes on, as SIGSTOP would have it.
 */
import type { Runtime, Timer } from "@quorate/core";
import { createIds } from "@quorate/core";
import { parseSeed, Stream } from "@quorate/simulator";

/** A process, as time sees it. */
export interface Clocked {
  state: "live" | "paused" | "dead";
  /** Due while it was paused. */
  readonly due: (() => void)[];
}

interface VirtualTimer {
  readonly dueMs: number;
  readonly callback: () => void;
  readonly of: Clocked;
  over: boolean;
}

/** The wall clock of every run begins here: 2026-01-01T00:00:00Z. */
const EPOCH_MS = 1_767_225_600_000;
const SILENT = { hasSubscribers: false, publish: (): void => {} };

/** One run's time. */
export class Timeline {
  #nowMs = 0;
  /** By due time, the last first, so that taking the next is a `pop`. */
  readonly #timers: VirtualTimer[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Fires the next timer that is due by `untilMs`; false: there is none. */
  step(untilMs: number): boolean {
    for (let next = this.#timers.at(-1); next !== undefined; next = this.#timers.at(-1)) {
      if (next.over || next.of.state === "dead") {
        this.#timers.pop();
        continue;
      }
      if (next.dueMs > untilMs) return false;
      this.#timers.pop();
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      if (next.of.state === "live") {
        next.over = true;
        next.callback();
        return true;
      }
      const { callback } = next;
      const late = next;
      next.of.due.push(() => {
        if (late.over) return;
        late.over = true;
        callback();
      });
    }
    return false;
  }

  /** A runtime on this time for one process; its chance comes from its name. */
  runtimeOf(process: Clocked, name: string): Runtime {
    const random = new Stream(parseSeed(1), name);
    const wallMs = (): number => EPOCH_MS + this.#nowMs;
    return {
      time: {
        monotonicMs: () => this.#nowMs,
        wallMs,
        setTimer: (delayMs, callback) => this.#set(delayMs, callback, process),
      },
      random,
      ids: createIds({ wallMs }, random),
      events: { channel: () => SILENT },
    };
  }

  #set(delayMs: number, callback: () => void, of: Clocked): Timer {
    if (of.state === "dead" || delayMs === Infinity) return { cancel: () => {} };
    const dueMs = this.#nowMs + Math.max(0, delayMs);
    const timer: VirtualTimer = { dueMs, callback, of, over: false };
    let at = this.#timers.length;
    // Timers are mostly set to fire soon: few are passed on the way.
    while (at > 0 && (this.#timers[at - 1] as VirtualTimer).dueMs <= dueMs) at -= 1;
    this.#timers.splice(at, 0, timer);
    return { cancel: () => void (timer.over = true) };
  }
}
