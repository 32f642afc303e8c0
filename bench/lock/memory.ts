/** Claim 8: what a thousand held locks and a thousand waiters weigh. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { OURS } from "../contenders/catalogue.ts";
import type { Section } from "../harness/report.ts";
import { figure } from "../harness/table.ts";
import type { Environment } from "./environment.ts";

const BAR_MIB = 20;
const CHILD = fileURLToPath(new URL("../lock.memory.ts", import.meta.url));
const TIMEOUT_MS = 30_000;

interface Growth {
  readonly held: number;
  readonly waiting: number;
}

/** One process per library, one after another. */
export async function measureMemory({ url, entrants }: Environment): Promise<Section> {
  const rows: string[][] = [];
  let ours = Number.NaN;
  for (const { contender } of entrants) {
    const { held, waiting } = await growthOf(contender.id, url);
    const sum = mebibytes(held + waiting);
    if (contender.id === OURS) ours = sum;
    rows.push([contender.title, figure(mebibytes(held)), figure(mebibytes(waiting)), figure(sum)]);
  }
  return {
    title: "Memory of 1 000 held locks and 1 000 waiters in one process",
    method:
      "Growth of heapUsed + external after garbage collection, in a process of its own with " +
      "--expose-gc, after a warm-up of 100 locks. One waiter per held lock. MiB.",
    tables: [{ head: ["library", "held", "waiting", "together"], rows }],
    claims: [
      {
        name: "memory of 1 000 held locks and 1 000 waiters",
        bar: `≤ ${BAR_MIB} MiB`,
        measured: `${figure(ours)} MiB`,
        held: ours <= BAR_MIB,
      },
    ],
  };
}

async function growthOf(id: string, url: string): Promise<Growth> {
  const args = [...process.execArgv, "--expose-gc", CHILD, id, url];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: TIMEOUT_MS });
  return JSON.parse(stdout) as Growth;
}

function mebibytes(bytes: number): number {
  return bytes / 2 ** 20;
}
