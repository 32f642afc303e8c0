/**
 * The command as people run it: what it prints, and its exit codes.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";

import { BadChoice, parseChoice, parseSoak } from "./cli/choice.ts";

const DEV = fileURLToPath(new URL("../../scripts/dev.mjs", import.meta.url));

async function run(args: readonly string[], interruptAfter?: RegExp) {
  const child = spawn(process.execPath, [DEV, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  const collect = (chunk: Buffer): void => {
    output += chunk.toString();
    if (interruptAfter?.test(output) === true) child.kill("SIGINT");
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

describe("npm run simulate", { timeout: 60_000 }, () => {
  it("runs seeds on every engine, in threads, and prints what happened", async () => {
    const { code, output } = await run(["simulate", "lock", "--seeds", "12", "--workers", "2"]);
    expect(output).toMatch(
      /lock on memory +4 .* 0\n.*lock on redis +4 .* 0\n.*lock on nats +4 .* 0/,
    );
    expect(output).toMatch(/faults: .*\nmarks: .*held \d+.*\nevents: .*lock\.granted/);
    expect(code).toBe(0);
  });

  it("plays a seed again, with its faults, its trace and its diagram", async () => {
    const home = mkdtempSync(join(tmpdir(), "quorate-simulate-"));
    onTestFinished(() => rmSync(home, { recursive: true, force: true }));
    const html = join(home, "run.html");
    const args = ["simulate", "kv", "--seconds", "5", "--seed", "0x2f", "--html", html];
    const { code, output } = await run(args);
    expect(output).toMatch(/kv on \w+, harsh, seed 0x2f\n {2}\d+ ms /);
    expect(output).toMatch(/client-\d +send +kv\./);
    expect(output).toMatch(/every claim held; \d+ ms simulated, hash [0-9a-f]{16}/);
    expect(code).toBe(0);
    expect(existsSync(html) && readFileSync(html, "utf8")).toContain("<svg");
  });

  it("stops cleanly at Ctrl-C, with code 130", async () => {
    const args = ["simulate", "lock", "--seeds", "1000000", "--workers", "2"];
    const { code } = await run(args, /harsh, seeds/);
    expect(code).toBe(130);
  });

  it("says what it can do when asked for what it cannot, with code 2", async () => {
    const { code, output } = await run(["simulate", "lokc"]);
    expect(output).toContain('no scenario "lokc"');
    expect(output).toMatch(/read-write +a writer is alone/);
    expect(code).toBe(2);
  });
});

describe("a command line", () => {
  it("is read, or refused with the option's name", () => {
    const choice = parseChoice(["guard", "--seeds", "7", "--from", "0x10", "--engine", "nats"]);
    expect(choice).toMatchObject({ seeds: 7, from: 16n, engines: ["nats"], profile: "harsh" });
    expect(parseSoak(["--minutes", "30", "--from", "5"])).toMatchObject({ minutes: 30, from: 5n });
    const refused: readonly (readonly string[])[] = [
      ["--seeds", "0"],
      ["--seeds", "many"],
      ["--from", "x"],
      ["--seed", ""],
      ["--engine", "etcd"],
      ["--profile", "failover"],
      ["--profile", "none"],
      ["--workers", "-1"],
      ["--nonsense"],
    ];
    for (const args of refused) expect(() => parseChoice(["lock", ...args])).toThrow(BadChoice);
    expect(() => parseSoak(["--minutes", "0"])).toThrow(BadChoice);
  });
});
