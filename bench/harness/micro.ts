/**
 * Micro-benchmarks: operations per second of several ways to do the same thing, side by side.
 *
 * A contestant is a function of a running index. Each round measures every contestant once, in
 * rotated order (`rounds.ts`), for a slice of time in batches that are long against the clock's
 * resolution. Figures are medians over rounds; a ratio is taken within each round and only then
 * reduced, so that a neighbour's busy second hits both of its sides.
 *
 *     const speeds = await race([
 *       { name: "quorate", run: (index) => clocks[index & 63].tick("a") },
 *       { name: "peer", run: (index) => inc(plain[index & 63], "a") },
 *     ], effortOf(quick));
 *     const table = speedTable("tick", speeds);
 *     const claim = timesBestPeer({ name: "tick", ours: "quorate", bar: 7, speeds });
 *
 * Keep inputs several (a mask on the index) and results used (they are returned): one constant
 * input, or a result that nobody reads, is what a compiler removes.
 */
import { nowMs } from "./clock.ts";
import type { Claim } from "./report.ts";
import { interleave } from "./rounds.ts";
import { median, medianRatio } from "./statistics.ts";
import { figure, type Table } from "./table.ts";

/** One way to do it. */
export interface Contestant {
  readonly name: string;
  /** One operation; what it returns is kept from being optimised away. */
  run(index: number): unknown;
}

/** How much to measure. */
export interface Effort {
  readonly rounds: number;
  /** Time of one contestant in one round. */
  readonly sliceMs: number;
}

/** Operations per second by contestant, one figure a round. */
export type Speeds = ReadonlyMap<string, readonly number[]>;

const BATCH_MS = 2;

/** What a figure takes, and what a look takes. */
export function effortOf(quick: boolean): Effort {
  return quick ? { rounds: 3, sliceMs: 20 } : { rounds: 11, sliceMs: 60 };
}

/** Measures all contestants in interleaved rounds. */
export async function race(contestants: readonly Contestant[], effort: Effort): Promise<Speeds> {
  const samples = await interleave(contestants, effort.rounds, ({ run }) =>
    Promise.resolve(opsPerSecond(run, effort.sliceMs)),
  );
  return new Map([...samples].map(([{ name }, speeds]) => [name, speeds]));
}

/** One way to do it that must be awaited. */
export interface AwaitedContestant {
  readonly name: string;
  run(index: number): Promise<unknown>;
}

/** As `race`, for calls that are made one after the other, each awaited. */
export async function raceCalls(
  contestants: readonly AwaitedContestant[],
  effort: Effort,
): Promise<Speeds> {
  const samples = await interleave(contestants, effort.rounds, ({ run }) =>
    callsPerSecond(run, effort.sliceMs),
  );
  return new Map([...samples].map(([{ name }, speeds]) => [name, speeds]));
}

async function callsPerSecond(
  run: (index: number) => Promise<unknown>,
  sliceMs: number,
): Promise<number> {
  let batch = 1;
  let done = 0;
  const startMs = nowMs();
  for (;;) {
    const beforeMs = nowMs();
    for (let index = done; index < done + batch; index++) sink.last = await run(index);
    done += batch;
    const afterMs = nowMs();
    if (afterMs - startMs >= sliceMs) return (done / (afterMs - startMs)) * 1_000;
    if (afterMs - beforeMs < BATCH_MS) batch *= 2;
  }
}

/** Operations per second of `run` over about `sliceMs`. */
export function opsPerSecond(run: (index: number) => unknown, sliceMs: number): number {
  let batch = 1;
  let done = 0;
  const startMs = nowMs();
  for (;;) {
    const beforeMs = nowMs();
    runBatch(run, done, batch);
    done += batch;
    const afterMs = nowMs();
    if (afterMs - startMs >= sliceMs) return (done / (afterMs - startMs)) * 1_000;
    if (afterMs - beforeMs < BATCH_MS) batch *= 2;
  }
}

/** Where results go, so that they are used: what nobody reads, a compiler need not work out. */
const sink: { last: unknown } = { last: undefined };

function runBatch(run: (index: number) => unknown, from: number, count: number): void {
  for (let index = from; index < from + count; index++) sink.last = run(index);
}

/** One row per contestant: operations per second, time of one, and the ratio to the first. */
export function speedTable(what: string, speeds: Speeds): Table {
  const [first = []] = speeds.values();
  const rows = [...speeds].map(([name, figures]) => [
    name,
    figure(median(figures)),
    `${figure(1e9 / median(figures))} ns`,
    `${figure(medianRatio(first, figures))} ×`,
  ]);
  return { head: [what, "operations/s", "one takes", "first ÷ this"], rows };
}

/** The claim that `ours` is at least `bar` times as fast as the fastest other of the same run. */
export function timesBestPeer(options: {
  readonly name: string;
  readonly ours: string;
  readonly bar: number;
  readonly speeds: Speeds;
}): Claim {
  const { name, ours, bar, speeds } = options;
  const peers = [...speeds].filter(([peer]) => peer !== ours);
  const [best] = peers.sort(([, a], [, b]) => median(b) - median(a));
  const ratio = medianRatio(speeds.get(ours) ?? [], best?.[1] ?? []);
  return {
    name,
    bar: `≥ ${bar} × the best peer`,
    measured: `${figure(ratio)} × ${best?.[0] ?? "nobody"}`,
    held: ratio >= bar,
  };
}

/** The claim that `ours` makes at least `bar` operations per second. */
export function atLeastPerSecond(options: {
  readonly name: string;
  readonly ours: string;
  readonly bar: number;
  readonly speeds: Speeds;
}): Claim {
  const measured = median(options.speeds.get(options.ours) ?? []);
  return {
    name: options.name,
    bar: `≥ ${figure(options.bar)} /s`,
    measured: `${figure(measured)} /s`,
    held: measured >= options.bar,
  };
}
