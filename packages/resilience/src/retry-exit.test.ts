/** Case 19: what keeps a process alive, seen from outside of one. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

const entry = new URL("./retry.ts", import.meta.url).href;
const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Runs `source` in a process of its own; how it ended and what it said. */
function inProcess(source: string): Promise<{ code: number | null; said: string; tookMs: number }> {
  const script = `import { retry } from ${JSON.stringify(entry)};\n${source}`;
  const child = spawn(
    process.execPath,
    ["-C", "@quorate/source", "--import", "tsx", "--input-type=module", "-e", script],
    { cwd: root, stdio: ["ignore", "pipe", "inherit"] },
  );
  const started = performance.now();
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  return new Promise((resolve) => {
    child.on("close", (code) => resolve({ code, said, tookMs: performance.now() - started }));
  });
}

const fail = `() => { throw new Error("down"); }`;

describe("case 19: a process", () => {
  it("may exit during a pause with keepAlive: false", async () => {
    const { code, said } = await inProcess(`
      void retry({ keepAlive: false, backoff: () => 60_000 })
        .run(${fail}, { repeat: "safe" })
        .catch(() => {});
      console.log("left");
    `);
    expect([code, said.trim()]).toEqual([0, "left"]);
  });

  it("waits for a pause by default, and has nothing to wait for after it", async () => {
    const { code, said, tookMs } = await inProcess(`
      const policy = retry({ attempts: 2, backoff: () => 50 });
      const call = policy.run(${fail}, { repeat: "safe", timeoutMs: 60_000 });
      call.catch(() => console.log(policy.stats.retries));
    `);
    expect([code, said.trim()]).toEqual([0, "1"]);
    expect(tookMs).toBeLessThan(15_000);
  });
});
