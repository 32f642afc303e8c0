/**
 * `npm run soak -- --minutes 30`: every scenario, engine and profile in turn, with seeds that were
 * never tried, until the time is over or a claim does not hold.
 *
 * Seeds begin at a random place of 64 bits, which is printed, so that a night's work can be
 * repeated. Exit codes: 0 all claims held, 1 one did not, 2 the command line cannot be followed,
 * 130 Ctrl-C.
 */
import { systemRuntime } from "@quorate/core";
import { failureText } from "@quorate/simulator";

import { BadChoice, parseSoak, type SoakChoice } from "./cli/choice.ts";
import { commandFor, type Setup } from "./cli/options-for.ts";
import { runSetup } from "./cli/run.ts";
import { duration, happenings, type Row, table, whole } from "./cli/table.ts";
import { SCENARIOS } from "./scenarios.ts";

/** Seeds of one setup before it is the next one's turn. */
const TURN = 50n;
const SHOWN_LINES = 40;

const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
process.once("SIGTERM", () => stop.abort());

try {
  process.exitCode = await soak(parseSoak(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof BadChoice)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}

/** Every claim under every profile that it is made for, on every engine. */
function allSetups(): readonly Setup[] {
  return SCENARIOS.flatMap(({ name, engines, profiles }) =>
    profiles.flatMap((profile) =>
      engines.map((engine) => ({ scenario: name, engine, profile, shrink: true })),
    ),
  );
}

async function soak({ minutes, from, workers }: SoakChoice): Promise<number> {
  const { time, random } = systemRuntime;
  const endMs = time.monotonicMs() + minutes * 60_000;
  const first = from ?? Buffer.from(random.bytes(8)).readBigUInt64BE();
  console.log(`seeds from 0x${first.toString(16)}, ${minutes} minutes, ${workers} threads`);
  const rows = new Map<string, Row>();
  let next = first;
  for (;;) {
    for (const setup of allSetups()) {
      if (stop.signal.aborted || time.monotonicMs() >= endMs) return finish(rows, first, next);
      const seeds = Array.from({ length: Number(TURN) }, (_, index) => {
        return BigInt.asUintN(64, next + BigInt(index));
      });
      const { signal } = stop;
      const row = await runSetup(setup, { seeds, workers, signal, onProgress: () => {} }).catch(
        (error: unknown) => {
          if (signal.aborted) return undefined;
          throw error;
        },
      );
      if (row === undefined) continue;
      next += TURN;
      const [failure] = row.report.failures;
      add(rows, row);
      if (failure === undefined) continue;
      finish(rows, first, next);
      const replay = commandFor(setup, failure.seed);
      console.log(`\n${failureText({ ...failure, replay }, SHOWN_LINES)}`);
      return 1;
    }
    const done = [...rows.values()].reduce((sum, { report }) => sum + report.simulatedMs, 0);
    console.error(`${duration(done)} simulated, next seed 0x${next.toString(16)}`);
  }
}

function finish(rows: ReadonlyMap<string, Row>, first: bigint, next: bigint): number {
  const all = [...rows.values()];
  console.log(`\n${table(all)}\n\n${happenings(all)}`);
  const seeds = whole(Number(next - first));
  console.log(
    `\n${seeds} seeds: 0x${first.toString(16)} up to 0x${next.toString(16)}, not included`,
  );
  return stop.signal.aborted ? 130 : 0;
}

/** Rows of one scenario and engine are one, over all profiles and turns. */
function add(rows: Map<string, Row>, row: Row): void {
  const before = rows.get(row.name);
  rows.set(row.name, before === undefined ? row : sumOf(before, row));
}

function sumOf(left: Row, right: Row): Row {
  const counts = new Map(left.report.counts);
  for (const [name, count] of right.report.counts) {
    counts.set(name, (counts.get(name) ?? 0) + count);
  }
  const simulatedMs = left.report.simulatedMs + right.report.simulatedMs;
  const elapsedMs = left.report.elapsedMs + right.report.elapsedMs;
  const events = left.report.events + right.report.events;
  return {
    name: left.name,
    cpuMs: left.cpuMs + right.cpuMs,
    report: {
      seeds: left.report.seeds + right.report.seeds,
      failures: [...left.report.failures, ...right.report.failures],
      hash: right.report.hash,
      events,
      simulatedMs,
      elapsedMs,
      speed: simulatedMs / elapsedMs,
      eventsPerSecond: (1_000 * events) / elapsedMs,
      counts,
    },
  };
}
