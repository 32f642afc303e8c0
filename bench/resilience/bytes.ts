/**
 * What policies weigh: a call, a breaker, ten thousand idle ones, a million calls under one signal.
 *
 * Each figure comes from a process of its own with `--expose-gc` (`resilience.bytes.ts`).
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import type { Claim, Section } from "../harness/report.ts";
import type { Measure } from "../harness/run.ts";
import { figure } from "../harness/table.ts";

const CHILD = fileURLToPath(new URL("../resilience.bytes.ts", import.meta.url));
const TIMEOUT_MS = 120_000;
/** A young generation in which all calls of a sample have room. */
const YOUNG = ["--min-semi-space-size=64", "--max-semi-space-size=256"];

/** What the child answers. */
export interface Weights {
  /** Heap that one call of the four policies takes before it is collected. */
  readonly bytesPerCall: Readonly<Record<string, number>>;
  /** Heap that one breaker keeps, by library. */
  readonly bytesPerBreaker: Readonly<Record<string, number>>;
  /** Share of one core that 10,000 idle breakers use. */
  readonly idleCpu: Readonly<Record<string, number>>;
  /** After the calls under one signal: heap that stayed, and listeners on the signal. */
  readonly signal: {
    readonly calls: number;
    readonly keptBytes: number;
    readonly listeners: number;
  };
}

/** Bytes and idle cost. */
export const measureBytes: Measure = async ({ quick }): Promise<Section> => {
  const args = [...process.execArgv, "--expose-gc", ...YOUNG, CHILD];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    quick ? [...args, "--quick"] : args,
    { timeout: TIMEOUT_MS },
  );
  const weights = JSON.parse(stdout) as Weights;
  const { signal, idleCpu } = weights;
  const idle = Math.max(0, (idleCpu["quorate"] ?? Number.NaN) - (idleCpu["nothing"] ?? Number.NaN));
  const rows = Object.keys(weights.bytesPerBreaker).map((name) => [
    name,
    figureOf(weights.bytesPerCall[name]),
    figureOf(weights.bytesPerBreaker[name]),
    `${figure((weights.idleCpu[name] ?? Number.NaN) * 100)} %`,
  ]);
  return {
    title: "Bytes, and breakers that do nothing",
    method:
      "A process of its own. Per call: heap growth over calls of the four policies of the table " +
      "above, without a collection in between. Per breaker: heap after collection, a call made. " +
      "Idle: processor time over some seconds; `nothing` is a process that idles without breakers.",
    tables: [{ head: ["library", "bytes/call", "bytes/breaker", "10,000 idle"], rows }],
    remarks: [
      `${figure(signal.calls)} calls under one long-lived signal leave ` +
        `${figure(signal.keptBytes / 1_024)} KiB and ${signal.listeners} listeners.`,
    ],
    claims: [
      bound("bytes of a call of four policies", weights.bytesPerCall["quorate"], 2_560),
      bound("bytes of a breaker", weights.bytesPerBreaker["quorate"], 1_024),
      bound("CPU of 10,000 idle breakers over an idle process, %", idle * 100, 0.2),
      bound("listeners left on the signal", signal.listeners, 0),
      bound("heap kept after calls under one signal, KiB", signal.keptBytes / 1_024, 512),
    ],
  };
};

function figureOf(value: number | undefined): string {
  return value === undefined ? "–" : figure(value);
}

function bound(name: string, measured: number | undefined, bar: number): Claim {
  const value = measured ?? Number.NaN;
  return { name, bar: `≤ ${bar}`, measured: figure(value), held: value <= bar };
}
