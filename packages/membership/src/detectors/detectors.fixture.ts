/**
 * The three detectors with their defaults, in scripted time.
 */
import { ScriptedRuntime } from "@quorate/core/testing";

import { ChenDetector } from "./chen-detector.ts";
import { DeadlineDetector } from "./deadline-detector.ts";
import type { DetectorOptions, FailureDetector, MakeDetector } from "./detector.ts";
import { PhiDetector } from "./phi-detector.ts";

/** All kinds. */
export const KINDS: readonly (readonly [name: string, make: MakeDetector])[] = [
  ["DeadlineDetector", (options) => new DeadlineDetector(options)],
  ["PhiDetector", (options) => new PhiDetector(options)],
  ["ChenDetector", (options) => new ChenDetector(options)],
];

/** A detector, and the time that it lives in. */
export class DetectorWorld {
  readonly runtime = new ScriptedRuntime();
  readonly detector: FailureDetector;
  #seq = 0;

  constructor(make: MakeDetector, options: DetectorOptions = {}) {
    this.detector = make({ runtime: this.runtime, ...options });
  }

  /** Lets time pass; the observer looks ten times a second. */
  pass(forMs: number, peer = "b"): void {
    for (let leftMs = forMs; leftMs > 0; leftMs -= 100) {
      this.runtime.stall(Math.min(100, leftMs));
      this.detector.status(peer);
    }
  }

  /** A heartbeat every second, `count` times, the first at once. */
  beats(count: number, peer = "b"): void {
    for (let beat = 0; beat < count; beat++) {
      if (beat > 0) this.pass(1_000, peer);
      this.beat(peer);
    }
  }

  /** One heartbeat. */
  beat(peer = "b"): void {
    this.detector.heartbeat(peer, { seq: (this.#seq += 1) });
  }

  /** One or more that the network has lost. */
  lose(count: number): void {
    this.#seq += count;
  }

  /** Silence until suspicion. */
  patienceMs(peer = "b"): number {
    const fromMs = this.runtime.time.monotonicMs();
    for (let ms = 0; ms < 60_000; ms += 10) {
      if (this.detector.status(peer) === "suspect") break;
      this.runtime.stall(10);
    }
    return this.runtime.time.monotonicMs() - fromMs;
  }
}
