/**
 * Twins against real engines: the same random operations on both, answer by answer.
 *
 * Operations go one by one, so each answer is the only right one; after each, what happens by
 * itself must come to be the same on both sides within a few seconds. A difference is told with
 * the seed and the operations that led to it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { systemRuntime } from "@quorate/core";
import { seededRandom } from "@quorate/core/testing";
import { CLIENTS, Generator, type Operation } from "./operations.ts";
import { type Engine, Side } from "./side.ts";

/** How twins are compared. */
export interface Comparison {
  readonly twin: Engine;
  readonly real: Engine;
  /** After this long beyond its TTL something is gone, for every client of both sides. */
  readonly lapseMs: number;
  readonly operations: number;
  /** How long the two sides may take to come to the same state. @default 8000 */
  readonly patienceMs?: number;
}

/** Engines poll for what they missed; so long it may take them. */
const PATIENCE_MS = 8_000;
const LAST_SHOWN = 12;

/** A seed that nobody has chosen. */
export function freshSeed(): number {
  return Math.floor(systemRuntime.random.next() * 2 ** 32);
}

/** Runs one sequence. Rejects with the difference, if there is one. */
export async function compare(comparison: Comparison, seed: number): Promise<void> {
  const namespace = `t${systemRuntime.ids.operation()}`;
  const { lapseMs, patienceMs = PATIENCE_MS } = comparison;
  const twin = new Side(comparison.twin, namespace, lapseMs);
  const real = new Side(comparison.real, namespace, lapseMs);
  const generator = new Generator(seededRandom(seed));
  const done: Operation[] = [];
  try {
    await Promise.all([twin.open(CLIENTS), real.open(CLIENTS)]);
    for (let n = 0; n < comparison.operations; n++) {
      const operation = generator.next();
      done.push(operation);
      const answers = await Promise.all([twin.run(operation), real.run(operation)]);
      insist("the answer", answers, seed, done);
      insist("the state after it", await settled(twin, real, patienceMs), seed, done);
    }
    insist("all there is", await Promise.all([twin.dump(), real.dump()]), seed, done);
  } finally {
    await Promise.all([twin.close(), real.close()]);
  }
}

/** Runs `count` sequences, `width` at a time. */
export async function compareMany(
  comparison: Comparison,
  options: { readonly count: number; readonly width: number; readonly seed: number },
): Promise<void> {
  const { count, width, seed } = options;
  let next = 0;
  const work = async (): Promise<void> => {
    try {
      while (next < count) await compare(comparison, seed + next++);
    } catch (error) {
      next = count; // The others end their sequences, and no new one begins.
      throw error;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: width }, work));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** The states of both, as soon as they are the same, or when patience has run out. */
async function settled(
  twin: Side,
  real: Side,
  patienceMs: number,
): Promise<readonly [object, object]> {
  const startMs = systemRuntime.time.monotonicMs();
  // The twin's own turns first: two sides that have both not begun look the same.
  await sleep(1);
  for (;;) {
    const states = [twin.state(), real.state()] as const;
    const isLate = systemRuntime.time.monotonicMs() - startMs > patienceMs;
    if (isLate || isDeepStrictEqual(states[0], states[1])) return states;
    await sleep(2);
  }
}

function insist(
  what: string,
  [twin, real]: readonly unknown[],
  seed: number,
  done: readonly Operation[],
): void {
  if (isDeepStrictEqual(twin, real)) return;
  const lines = done.slice(-LAST_SHOWN).map((operation) => `  ${JSON.stringify(operation)}`);
  throw new Error(
    `twin and real engine differ in ${what} [seed ${seed}]\n` +
      `twin: ${JSON.stringify(twin)}\nreal: ${JSON.stringify(real)}\n` +
      `after:\n${lines.join("\n")}`,
  );
}
