import { ScriptedRuntime } from "@quorate/core/testing";
import fc from "fast-check";
import { expect, it } from "vitest";

import { breaker } from "./breaker.ts";
import type { Guard, Permit } from "./layer.ts";
import { LiveCall } from "./live-call.ts";

type Outcome = "ok" | "fault" | "ignore" | "kept out";
type Step =
  | { readonly kind: "begin" }
  | { readonly kind: "end"; readonly which: number; readonly outcome: Outcome }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "trip" }
  | { readonly kind: "reset" };

const MIN_CALLS = 4;
const RATE = 0.5;
const BUCKETS = 5;
const BUCKET_MS = 100;
const AFTER_MS = 300;
const MAX_MS = 2_000;
const IGNORED = Object.assign(new Error("not found"), { status: 404 });

/** The same breaker as simply as possible: lists instead of rings, counted afresh each time. */
class Model {
  nowMs = 0;
  state: "closed" | "open" | "half-open" = "closed";
  life = 0;
  stale = 0;
  readonly #probes: number;
  readonly #passes: number;
  #untilMs = 0;
  #inARow = 0;
  #ends: { bucket: number; isFault: boolean }[] = [];
  #probesOut = 0;
  #passed = 0;
  #failed = 0;

  constructor(probes: number, passes: number) {
    this.#probes = probes;
    this.#passes = passes;
  }

  begin(): boolean {
    if (this.state === "open" && this.nowMs >= this.#untilMs) this.#become("half-open");
    if (this.state === "open") return false;
    if (this.state === "closed") return true;
    if (this.#probesOut + this.#passed + this.#failed === this.#probes) return false;
    this.#probesOut += 1;
    return true;
  }

  end(life: number, outcome: Outcome): void {
    if (life !== this.life) {
      if (outcome === "ok" || outcome === "fault") this.stale += 1;
      return;
    }
    if (this.state === "half-open") this.#probesOut -= 1;
    if (outcome === "ignore" || outcome === "kept out") return;
    if (this.state === "half-open") return this.#probeEnded(outcome === "ok");
    const bucket = Math.floor(this.nowMs / BUCKET_MS);
    this.#ends.push({ bucket, isFault: outcome === "fault" });
    const seen = this.#ends.filter((end) => end.bucket > bucket - BUCKETS);
    const faults = seen.filter(({ isFault }) => isFault).length;
    if (outcome !== "fault" || seen.length < MIN_CALLS) return;
    if (faults / seen.length >= RATE) this.open();
  }

  open(): void {
    this.#untilMs = this.nowMs + Math.min(MAX_MS, AFTER_MS * 2 ** this.#inARow);
    this.#inARow += 1;
    this.#become("open");
  }

  close(): void {
    this.#inARow = 0;
    this.#become("closed");
  }

  #probeEnded(hasPassed: boolean): void {
    if (hasPassed) this.#passed += 1;
    else this.#failed += 1;
    if (this.#passed === this.#passes) this.close();
    else if (this.#failed > this.#probes - this.#passes) this.open();
  }

  #become(state: Model["state"]): void {
    this.state = state;
    this.life += 1;
    this.#ends = [];
    this.#probesOut = 0;
    this.#passed = 0;
    this.#failed = 0;
  }
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.constant({ kind: "begin" as const }) },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      which: fc.nat(),
      outcome: fc.constantFrom<Outcome>("ok", "fault", "fault", "ignore", "kept out"),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      ms: fc.oneof(fc.integer({ min: 1, max: 150 }), fc.integer({ min: 1, max: 3_000 })),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "trip" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "reset" as const }) },
);

interface Running {
  readonly permit: Permit;
  readonly life: number;
}

function run(steps: readonly Step[], probes: number, passes: number): void {
  const runtime = new ScriptedRuntime();
  const policy = breaker({
    runtime,
    window: { lastMs: BUCKETS * BUCKET_MS, buckets: BUCKETS },
    trip: { minCalls: MIN_CALLS, faultRate: RATE },
    reset: { afterMs: AFTER_MS, maxMs: MAX_MS, jitter: 0 },
    probes: { count: probes, passes, timeoutMs: Infinity },
    rampMs: 0,
  });
  const guard = policy.layers[0] as Guard;
  const call = new LiveCall(runtime, () => undefined, undefined);
  const model = new Model(probes, passes);
  const running: Running[] = [];
  for (const one of steps) {
    if (one.kind === "begin") begin(guard, call, model, running);
    else if (one.kind === "end") end(one, guard, call, model, running);
    else if (one.kind === "trip")
      both(
        () => policy.trip(),
        () => model.open(),
      );
    else if (one.kind === "reset")
      both(
        () => policy.reset(),
        () => model.close(),
      );
    else
      both(
        () => runtime.stall(one.ms),
        () => (model.nowMs += one.ms),
      );
    expect(policy.stats.staleResults).toBe(model.stale);
  }
}

function both(real: () => void, modelled: () => void): void {
  real();
  modelled();
}

function begin(guard: Guard, call: LiveCall, model: Model, running: Running[]): void {
  let permit: Permit;
  let isLetIn = true;
  try {
    permit = guard.enter(call);
  } catch {
    isLetIn = false;
  }
  expect(isLetIn).toBe(model.begin());
  if (isLetIn) running.push({ permit, life: model.life });
}

function end(
  one: Extract<Step, { kind: "end" }>,
  guard: Guard,
  call: LiveCall,
  model: Model,
  running: Running[],
): void {
  const [ended] = running.splice(one.which % Math.max(1, running.length), 1);
  if (ended === undefined) return;
  const { permit, life } = ended;
  if (one.outcome === "ok") guard.succeed(permit, call, "value");
  else if (one.outcome === "fault") guard.fail(permit, call, new Error("down"));
  else if (one.outcome === "ignore") guard.fail(permit, call, IGNORED);
  else guard.cancel(permit, call);
  model.end(life, one.outcome);
}

it("decides as the naive model does, whatever happens in whatever order", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 150 }),
      fc
        .integer({ min: 1, max: 4 })
        .chain((count) => fc.tuple(fc.constant(count), fc.integer({ min: 1, max: count }))),
      (steps, [probes, passes]) => run(steps, probes, passes),
    ),
    { numRuns: 1_000 },
  );
});
