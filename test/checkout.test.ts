/**
 * The main job as a claim: it balances its books in memory and on a server (Redis or NATS by the
 * day), and refuses the late write.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { examine, examineEnds, examineLedger } from "../examples/checkout/audit.ts";
import { examineNights } from "../examples/checkout/night.ts";
import type { Stock } from "../examples/checkout/stock.ts";
import { needs, startNats, startRedis } from "../scripts/servers/index.mjs";
import { ofToday } from "./support/by-day.ts";

const main = fileURLToPath(new URL("../examples/checkout/main.ts", import.meta.url));

interface Run {
  readonly code: number | null;
  readonly output: string;
}

type Finished = (hook: () => void) => void;

async function checkout(
  finished: Finished,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Run> {
  const child = spawn(
    process.execPath,
    ["--conditions", "@quorate/source", "--import", "tsx", main, ...args],
    { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] },
  );
  finished(() => void child.kill("SIGKILL"));
  let output = "";
  const collect = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

function expectBalanced(check: typeof expect, { code, output }: Run): void {
  check(output).toMatch(/sold (\d+) \+ left (\d+) = 720, initial 720/);
  check(output).toContain("late write to");
  check(output).toContain("orders at the till; others take them up");
  check(output).toContain("died in the middle of the night's books");
  check(output).toContain("till-1 died with calls in hand");
  check(output).toContain("till-2 was sent home; it finished what it had");
  check(output).toContain("✓ the books balance");
  check(code).toBe(0);
}

/** Alone it takes 25 s; beside the other tests of a slow machine, four times that. */
const LONGEST_MS = 180_000;
/** One a day, both with `QUORATE_SLICE=all`. */
const SERVERS = [
  { engine: "redis", needed: needs("redis"), start: () => startRedis() },
  { engine: "nats", needed: needs("nats"), start: () => startNats() },
] as const;

describe("examples/checkout", () => {
  // Side by side: they mostly wait for leases to end.
  it.concurrent(
    "balances on the embedded engine and refuses the late write",
    async (test) => {
      expectBalanced(test.expect, await checkout(test.onTestFinished, []));
    },
    LONGEST_MS,
  );

  for (const { engine, needed, start } of ofToday(SERVERS, 2)) {
    it.skipIf(needed.skip).concurrent(
      `balances with real processes on ${engine}${needed.reason}`,
      async ({ expect: check, onTestFinished }) => {
        const server = await start();
        onTestFinished(() => server.stop());
        const env = { [`${engine.toUpperCase()}_URL`]: server.url };
        expectBalanced(check, await checkout(onTestFinished, [`--${engine}`], env));
      },
      LONGEST_MS,
    );
  }

  it("has an audit that finds an oversold shelf, a lost unit and a sale to nobody", () => {
    const orders = [{ id: "order-1", item: "anvil", quantity: 2 }];
    const shelf = (stock: Partial<Stock>): Map<string, Stock> =>
      new Map([["anvil", { left: 60, sold: {}, returned: {}, ...stock }]]);
    const oversold = examine(shelf({ left: -2, sold: { "order-1": 62 } }), orders);
    expect(oversold.problems).toEqual([
      "anvil: oversold by 2",
      "anvil: sale of 62 to order-1 matches no order",
    ]);
    const lost = examine(shelf({ left: 57, sold: { "order-1": 2 } }), orders);
    expect(lost.problems).toEqual(["anvil: 2 sold + 57 left is not 60"]);
    const returned = { left: 58, sold: { "order-1": 2 }, returned: { "order-1": true } } as const;
    expect(examine(shelf(returned), orders).problems).toEqual([
      "anvil: order-1 was given back and is sold",
    ]);
  });

  it("has an audit that finds a half order, a kept payment and a night closed twice", () => {
    const shelves = new Map([["anvil", { left: 58, sold: { a: 2 }, returned: {} }]]);
    const ends = new Map([
      ["a", "compensated"],
      ["b", "done"],
      ["c", "running"],
    ]);
    expect(examineEnds({ ends, parcels: new Set(["b"]), shelves })).toEqual([
      "a is compensated, and has units: true",
      "b is done, and has units: false",
      "c: its saga is running",
    ]);
    const charges = new Map([["a", 1]]);
    expect(examineLedger({ requests: 1, charges, refunds: new Set() }, 0)).toEqual([
      "0 orders sold, 1 paid for",
    ]);
    const at = new Date(0);
    const night = { key: "n", tick: at, outcome: "done", attempt: 1, manual: false } as const;
    const past = { ...night, by: "clerk-1", startedAt: at, durationMs: 1 };
    const evidence = {
      history: [past, past],
      books: [],
      items: ["anvil"],
      terms: [1, 2],
      survived: "n",
    };
    expect(examineNights(evidence)).toEqual([
      "night n was closed 2 times",
      "night n is done, its book is open",
      "night n, whose clerk died, was not closed by another",
    ]);
  });
});
