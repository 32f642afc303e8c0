/**
 * The examples as claims: each keeps its promises on memory, and on Redis and NATS with real
 * processes, a slice of them by day (`QUORATE_SLICE=all`: all).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Example } from "../examples/shared/example.ts";
import { exampleNames } from "../examples/shared/names.ts";
import { type EngineName, perform, play, type Verdict } from "../examples/shared/play.ts";
import { troupeInMemory } from "../examples/shared/players.ts";
import { needs, startNats, startRedis } from "../scripts/servers/index.mjs";
import type { ServerProcess } from "../scripts/servers/types.ts";
import { ofToday } from "./support/by-day.ts";

const LONGEST_MS = 60_000;
const DAYS = 4;
const names = exampleNames();
const isAll = process.env["QUORATE_SLICE"] === "all";
const ENGINES = [
  { engine: "redis", need: needs("redis"), begin: startRedis },
  { engine: "nats", need: needs("nats"), begin: () => startNats() },
] as const;

const text = (path: string): string =>
  readFileSync(new URL(`../examples/${path}`, import.meta.url), "utf8");

async function keepsItsPromises(
  check: typeof expect,
  name: string,
  server: { readonly engine: EngineName; readonly url?: string },
): Promise<void> {
  const lines: string[] = [];
  const print = (line: string): void => void lines.push(line);
  const { problems, checked } = await play(name, { ...server, print });
  check(problems, lines.join("\n")).toEqual([]);
  check(checked).toBeGreaterThan(2);
  check(lines.at(-1)).toMatch(new RegExp(`^✓ ${name}: as promised, in [\\d.]+ s$`));
}

describe("examples in memory", () => {
  it.concurrent.for([...names])(
    "%s keeps its promises",
    { timeout: LONGEST_MS },
    async (name, { expect: check }) => keepsItsPromises(check, name, { engine: "memory" }),
  );
});

for (const { engine, need, begin } of ENGINES) {
  describe.skipIf(need.skip)(`examples on ${engine}${need.reason}`, () => {
    let server: ServerProcess;
    beforeAll(async () => {
      server = await begin();
    });
    afterAll(() => server.stop());

    // One after the other: they start processes, and are about time.
    it.each(ofToday(names, DAYS, isAll).map((name) => [name]))(
      "%s keeps its promises",
      async (name) => keepsItsPromises(expect, name, { engine, url: server.url }),
      LONGEST_MS,
    );
  });
}

describe("the stage", () => {
  const tell = (example: Example): Promise<Verdict> =>
    perform(example, troupeInMemory(new URL(import.meta.url)), {
      name: "a story",
      engine: "memory",
      print: () => {},
      patienceMs: 20,
    });

  it("finds a broken promise, a fall, a story with no end, and one with no claim", async () => {
    const broken = await tell({ play: async (stage) => stage.check("two is three", false) });
    expect(broken).toEqual({ checked: 1, problems: ["two is three"] });
    const fallen = await tell({ play: () => Promise.reject(new Error("no server")) });
    expect(fallen.problems[0]).toBe("Error: no server");
    const endless = await tell({ play: () => new Promise(() => {}) });
    expect(endless.problems[0]).toBe("Error: the story did not end in 20 ms");
    expect((await tell({ play: async () => {} })).problems).toEqual(["nothing was checked"]);
    const kept = await tell({ play: async (stage) => stage.check("three is two and one", true) });
    expect(kept).toEqual({ checked: 1, problems: [] });
  });

  it(
    "ends its command with 1 where a promise was broken, and with 2 for no example",
    async () => {
      const dead = { REDIS_URL: "redis://127.0.0.1:1" };
      const [broken, unknown] = await Promise.all([
        run(["sharded-cache", "--redis"], dead),
        run(["no-such-story"]),
      ]);
      expect(broken.output).toContain("✗ sharded-cache: ");
      expect(broken.code).toBe(1);
      expect(unknown.output).toContain(names.join(", "));
      expect(unknown.code).toBe(2);
    },
    LONGEST_MS,
  );
});

describe("examples/README.md", () => {
  it("has a row for each example, with its command, and for nothing else", () => {
    const rows = [...text("README.md").matchAll(/^\| \[([\w-]+)\]\(([^)]+)\) \|.+\| `(.+)` \|$/gm)];
    const promised = names.map((name) => [name, `${name}/main.ts`, `npm run example ${name}`]);
    expect(rows.map((row) => row.slice(1, 4))).toEqual(promised);
    expect(names.length).toBe(8);
  });

  it("says the truth: each is one file of at most 120 lines", () => {
    const long = names.filter((name) => text(`${name}/main.ts`).trimEnd().split("\n").length > 120);
    expect(long).toEqual([]);
  });
});

async function run(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  const main = fileURLToPath(new URL("../examples/shared/main.ts", import.meta.url));
  const flags = ["--conditions", "@quorate/source", "--import", "tsx", main];
  const stdio = ["ignore", "pipe", "inherit"] as const;
  const child = spawn(process.execPath, [...flags, ...args], {
    env: { ...process.env, ...env },
    stdio: [...stdio],
  });
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}
