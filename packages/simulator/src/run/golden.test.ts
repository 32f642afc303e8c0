/**
 * One hash over many seeds, written down: the same on every machine and version of Node.
 *
 * When the kernel or the profiles are changed on purpose it changes with them: put the new one
 * here. When it changes by itself, something in a run depends on more than its seed.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";

import { runGolden } from "./golden.fixture.ts";

const GOLDEN = "73e3eb6c17632815";

const FILE = new URL("golden.fixture.ts", import.meta.url);
const SOURCE = ["-C", "@quorate/source", "--import", "tsx"];

// A thread of Node 20 does not inherit the loader that reads TypeScript.
const BOOTSTRAP = `import("tsx/esm/api").then(({ register }) => {
  register();
  return import(${JSON.stringify(FILE.href)});
});`;

describe("the golden hash", () => {
  it("is what it was, and the runs were worth something", async () => {
    const { hash, events, counts } = await runGolden();
    expect(events).toBeGreaterThan(20_000);
    expect(counts.get("mark.round trip")).toBeGreaterThan(500);
    expect(counts.get("mark.reset at store")).toBeGreaterThan(10);
    expect(hash).toBe(GOLDEN);
  });

  it("is the same in a worker thread, beside which another works", async () => {
    const inWorker = (): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const worker = new Worker(BOOTSTRAP, { eval: true, execArgv: SOURCE.slice(0, 2) });
        worker.once("message", resolve);
        worker.once("error", reject);
      });
    expect(await Promise.all([inWorker(), inWorker()])).toEqual([GOLDEN, GOLDEN]);
  });

  it("is the same in another locale and time zone, in a process of its own", () => {
    const code = `import { runGolden } from ${JSON.stringify(fileURLToPath(FILE))};
      console.log((await runGolden()).hash);`;
    const env = { ...process.env, LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8", TZ: "Asia/Kolkata" };
    const args = [...SOURCE, "--input-type=module", "-e", code];
    const printed = execFileSync(process.execPath, args, { encoding: "utf8", env });
    expect(printed.trim()).toBe(GOLDEN);
  });
});
