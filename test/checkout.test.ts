/**
 * The main job as a claim: it balances its books on every engine, and refuses the late write.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { examine } from "../examples/checkout/audit.ts";
import { needs, startNats, startRedis } from "../scripts/servers/index.mjs";

const main = fileURLToPath(new URL("../examples/checkout/main.ts", import.meta.url));

interface Run {
  readonly code: number | null;
  readonly output: string;
}

async function checkout(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const child = spawn(
    process.execPath,
    ["--conditions", "@quorate/source", "--import", "tsx", main, ...args],
    { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  const collect = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

function expectBalanced({ code, output }: Run): void {
  expect(output).toMatch(/sold (\d+) \+ left (\d+) = 720, initial 720/);
  expect(output).toContain("late write to");
  expect(output).toContain("✓ the books balance");
  expect(code).toBe(0);
}

describe("examples/checkout", () => {
  it("balances on the embedded engine and refuses the late write", async () => {
    expectBalanced(await checkout([]));
  });

  const redis = needs("redis");
  it.skipIf(redis.skip)("balances with real processes on Redis", { timeout: 60_000 }, async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    expectBalanced(await checkout(["--redis"], { REDIS_URL: server.url }));
  });

  const nats = needs("nats");
  it.skipIf(nats.skip)("balances with real processes on NATS", { timeout: 60_000 }, async () => {
    const server = await startNats();
    onTestFinished(() => server.stop());
    expectBalanced(await checkout(["--nats"], { NATS_URL: server.url }));
  });

  it("has an audit that finds an oversold shelf, a lost unit and a sale to nobody", () => {
    const orders = [{ id: "order-1", item: "anvil", quantity: 2 }];
    const oversold = examine(new Map([["anvil", { left: -2, sold: { "order-1": 62 } }]]), orders);
    expect(oversold.problems).toEqual([
      "anvil: oversold by 2",
      "anvil: sale of 62 to order-1 matches no order",
    ]);
    const lost = examine(new Map([["anvil", { left: 57, sold: { "order-1": 2 } }]]), orders);
    expect(lost.problems).toEqual(["anvil: 2 sold + 57 left is not 60"]);
    const refused = examine(new Map([["anvil", { left: 60, sold: {} }]]), orders);
    expect(refused.problems).toEqual(["anvil: order-1 was refused, yet would have fitted"]);
  });
});
