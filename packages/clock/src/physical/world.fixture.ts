/**
 * A machine in a world with a true time: its clocks drift, it sleeps, its wall clock is set.
 */
import fc from "fast-check";
import type { Reading } from "./reading.ts";

/** What happens next. */
export type Step =
  | { readonly kind: "run"; readonly ms: number }
  | { readonly kind: "sleep"; readonly ms: number }
  | { readonly kind: "set-wall"; readonly byMs: number }
  | {
      readonly kind: "ask";
      readonly outMs: number;
      readonly workMs: number;
      readonly backMs: number;
      readonly sleepMs: number;
      /** Where the server's clock is within its own bound, from -1 to 1. */
      readonly serverError: number;
    };

const MAX_STEPS = 40;
const LONGEST_STEP_MS = 60_000;

/** The machine. */
export class World {
  trueMs = 1_767_225_600_000;
  readonly time: { monotonicMs(): number; wallMs(): number };
  readonly #monotonicRate: number;
  readonly #wallRate: number;
  readonly #leastSleepMs: number;
  #monotonicMs = 12_345.678;
  #wallMs: number;
  /** Since the last question: a sleep and a wall clock set back would hide each other. */
  #since: "nothing" | "sleep" | "set-back" = "nothing";

  /** Rates from -1 to 1, in units of the drift allowed. */
  constructor(options: {
    driftPpm: number;
    monotonic: number;
    wall: number;
    wallOffsetMs: number;
  }) {
    // Allowed is that a true length is within d of the measured one, and not the other way round.
    const drift = options.driftPpm / (1_000_000 + options.driftPpm);
    this.#monotonicRate = 1 + options.monotonic * drift;
    this.#wallRate = 1 + options.wall * drift;
    this.#leastSleepMs = 3 + 2 * drift * MAX_STEPS * LONGEST_STEP_MS;
    this.#wallMs = this.trueMs + options.wallOffsetMs;
    this.time = {
      monotonicMs: () => this.#monotonicMs,
      wallMs: () => Math.floor(this.#wallMs),
    };
  }

  get reading(): Reading {
    return { monotonicMs: this.time.monotonicMs(), wallMs: this.time.wallMs() };
  }

  run(ms: number): void {
    this.trueMs += ms;
    this.#monotonicMs += ms * this.#monotonicRate;
    this.#wallMs += ms * this.#wallRate;
  }

  sleep(ms: number): void {
    // The documented assumptions: no wall clock set back, and a sleep that is longer than what the
    // local clocks drift apart until the next question.
    if (this.#since === "set-back" || ms < this.#leastSleepMs) return;
    this.trueMs += ms;
    this.#wallMs += ms * this.#wallRate;
    this.#since = "sleep";
  }

  setWall(byMs: number): void {
    if (byMs < 0 && this.#since === "sleep") return; // The documented assumption.
    this.#wallMs += byMs;
    if (byMs < 0) this.#since = "set-back";
  }

  /** One question to a server whose clock is within `boundMs`. */
  ask(step: Step & { kind: "ask" }, boundMs: number) {
    const serverMs = (): number => this.trueMs + step.serverError * boundMs;
    const sent = this.reading;
    this.run(step.outMs);
    const remoteReceivedMs = serverMs();
    this.run(step.workMs);
    const remoteSentMs = serverMs();
    this.sleep(step.sleepMs);
    this.run(step.backMs);
    const received = this.reading;
    this.#since = "nothing";
    return { sent, remoteReceivedMs, remoteSentMs, remoteErrorMs: boundMs, received };
  }
}

const length = (max: number) => fc.double({ min: 0, max, noNaN: true });

/** Anything that may happen to a machine. */
export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant("run" as const), ms: length(LONGEST_STEP_MS) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("sleep" as const), ms: length(1e7) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("set-wall" as const),
        byMs: fc.integer({ min: -100_000, max: 100_000 }),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("ask" as const),
        outMs: fc.oneof(length(5), length(2_000)),
        workMs: length(20),
        backMs: fc.oneof(length(5), length(2_000)),
        sleepMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, length(100_000)),
        serverError: fc.double({ min: -1, max: 1, noNaN: true }),
      }),
    },
  ),
  { maxLength: MAX_STEPS },
);

/** Any machine. */
export const worlds = fc.record({
  driftPpm: fc.constantFrom(0, 20, 200, 5_000),
  monotonic: fc.double({ min: -1, max: 1, noNaN: true }),
  wall: fc.double({ min: -1, max: 1, noNaN: true }),
  wallOffsetMs: fc.integer({ min: -1_000_000, max: 1_000_000 }),
});
