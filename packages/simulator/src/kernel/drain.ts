/**
 * Draining: after each event every promise settles that can, before the next event happens.
 *
 * That is all that makes async code deterministic: promise jobs run in the order in which they
 * were queued, so if nothing else runs between two events, a run depends on its seed alone.
 * `process._tickCallback`, called in a loop from a macrotask, drains completely and synchronously:
 * nested `nextTick`s, chains ten thousand promises deep, and unhandled rejections are raised
 * inside the guilty event. It is undocumented, so a self-test decides at the start whether it is
 * there and complete; where it is not, each event gets a macrotask of its own, which drains as
 * completely, five times slower, and lets real I/O in between.
 */
import { enterMacrotask, tickCallback } from "./host.ts";

/** How promises are settled between two events. */
export type DrainMode = "synchronous" | "macrotask";

/** Something that runs in events. */
export interface Drained {
  /** Once, before the first event. */
  begin(): void;
  /** Runs one event; false when there is none left. */
  step(): boolean;
  /** Once, when all has settled, whatever happened. */
  end(): void;
}

const CHAIN = 1_000;

/**
 * Runs `work` event by event, and drains after each. Rejects with what `begin` or `step` throws.
 * What a callback throws and nobody catches goes the way of Node: to `uncaughtException`.
 */
export function runDrained(mode: DrainMode, work: Drained): Promise<void> {
  const tick = tickCallback();
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      work.end();
      settle();
    };
    /** Runs one event; a failure of the runner itself ends all. */
    const step = (): boolean => {
      try {
        if (work.step()) return true;
        finish(resolve);
      } catch (error) {
        finish(() => reject(error));
      }
      return false;
    };
    const inOneGo = (drain: () => void): void => {
      do drainOrResume(drain, () => inOneGo(drain));
      while (step());
    };
    const oneByOne = (): void => {
      if (step()) enterMacrotask(oneByOne);
    };
    enterMacrotask(() => {
      try {
        work.begin();
      } catch (error) {
        return finish(() => reject(error));
      }
      if (mode === "synchronous" && tick !== undefined) inOneGo(tick);
      else enterMacrotask(oneByOne);
    });
  });
}

/**
 * What a `nextTick` callback throws comes out of the drain, and must go on to Node's own handler,
 * which alone can clear away the async context of what broke off. The run goes on in a macrotask
 * after that; Node itself has run the rest of the queue by then.
 */
function drainOrResume(drain: () => void, resume: () => void): void {
  try {
    drain();
  } catch (error) {
    enterMacrotask(resume);
    throw error;
  }
}

let detected: Promise<DrainMode> | undefined;

/** The fastest complete way to drain in this Node, found out once by trying. */
export function detectDrain(): Promise<DrainMode> {
  detected ??= selfTest();
  return detected;
}

/** Whether `tick` drains nested `nextTick`s and long chains before it returns. */
export function drainsCompletely(tick: () => void): Promise<boolean> {
  return new Promise((resolve) => {
    enterMacrotask(() => {
      let links = 0;
      let nested = false;
      const chain = async (): Promise<void> => {
        for (; links < CHAIN; links++) await Promise.resolve();
        process.nextTick(() => {
          queueMicrotask(() => process.nextTick(() => void (nested = true)));
        });
      };
      void chain();
      tick();
      resolve(links === CHAIN && nested);
    });
  });
}

async function selfTest(): Promise<DrainMode> {
  const tick = tickCallback();
  return tick !== undefined && (await drainsCompletely(tick)) ? "synchronous" : "macrotask";
}
