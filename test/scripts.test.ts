/** What `npm run` rests on: tasks that end with us, locks of the dead, sources read right. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { withLock } from "../scripts/lock.mjs";
import { publishedManifest } from "../scripts/pack.mjs";
import { parseDeb822, parseOneLine } from "../scripts/servers/apt.mjs";
import { lineOf, needs } from "../scripts/servers/find.mjs";
import { until } from "../scripts/servers/wire.mjs";
import { runTask } from "../scripts/task.mjs";
import { isAlive } from "./support/alive.ts";
import { anchorsOf, blocksOf, linksOf } from "./support/markdown.ts";

const tasks = new URL("../scripts/task.mjs", import.meta.url).href;

describe("a task", () => {
  it("hands over its exit code and output", async () => {
    const result = await runTask("sh", ["-c", "echo out; exit 7"], { capture: true });
    expect(result).toEqual({ code: 7, output: "out\n" });
  });

  it("hands over its exit code, however soon it ends", async () => {
    const hasty = () => runTask("sh", ["-c", "exit 7"], { capture: true });
    const results = await Promise.all(Array.from({ length: 60 }, hasty));
    expect(results.filter(({ code }) => code !== 7)).toEqual([]);
  });

  it("ends, with its own children, when its parent is killed without warning", async () => {
    const program = `echo $$; sleep 600 & echo $!; wait`;
    const script = `
      import { runTask } from ${JSON.stringify(tasks)};
      await runTask("sh", ["-c", ${JSON.stringify(program)}]);
    `;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let printed = "";
    parent.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
    await until("two pids", async () => printed.trim().split("\n").length === 2);
    const pids = printed.trim().split("\n").map(Number);
    expect(pids.every(isAlive)).toBe(true);
    parent.kill("SIGKILL");
    await until("the end of both", async () => !pids.some(isAlive));
  });

  it("leaves nothing behind that its program left behind", async () => {
    const program = "sleep 600 >/dev/null 2>&1 & echo $!";
    const { output } = await runTask("sh", ["-c", program], { capture: true });
    await until("the end of the stray", async () => !isAlive(Number(output)));
    expect(Number(output)).toBeGreaterThan(1);
  });
});

describe("a lock between runs", () => {
  let home = "";
  let dir = "";
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "quorate-test-"));
    dir = join(home, "lock");
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it("lets one work at a time", async () => {
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 20));
      inside--;
    };
    await Promise.all([withLock(dir, work), withLock(dir, work), withLock(dir, work)]);
    expect(most).toBe(1);
  });

  it("is taken over from the dead", async () => {
    const dead = spawn("true");
    await new Promise((resolve) => dead.once("exit", resolve));
    mkdirSync(dir);
    writeFileSync(join(dir, "pid"), String(dead.pid));
    expect(await withLock(dir, async () => "mine")).toBe("mine");
  });
});

describe("apt sources", () => {
  it("are read in the old format", () => {
    const text =
      "# deb a b c\ndeb [signed-by=/k.gpg] http://m.example/debian trixie main contrib\n";
    expect(parseOneLine(text)).toEqual([
      {
        uri: "http://m.example/debian",
        options: "[signed-by=/k.gpg] ",
        suites: ["trixie"],
        components: ["main", "contrib"],
      },
    ]);
  });

  it("are read in the new format, without what is disabled or source only", () => {
    const entry = "URIs: http://m.example/debian\nSuites: trixie trixie-updates\nComponents: main";
    const text = [
      `Types: deb\n# a comment\n${entry}\nSigned-By: /k.gpg\n`,
      `Types: deb-src\n${entry}\n`,
      `Enabled: no\nTypes: deb\n${entry}\n`,
    ].join("\n");
    expect(parseDeb822(text)).toEqual([
      {
        uri: "http://m.example/debian",
        options: "[signed-by=/k.gpg] ",
        suites: ["trixie", "trixie-updates"],
        components: ["main"],
      },
    ]);
  });
});

describe("small things", () => {
  it("sort a NATS version into its line", () => {
    expect(["2.9.10", "2.10.27", "2.12.1", "2.15.1", "2.16.0", "3.0.0"].map(lineOf)).toEqual([
      "2.9",
      "2.10",
      "2.12",
      "2.15",
      "2.15",
      "2.15",
    ]);
  });

  it("let no suite be skipped unseen where CI=true", () => {
    const before = { ...process.env };
    process.env["CI"] = "true";
    try {
      // A line that nobody has, so that the answer does not depend on this machine.
      expect(() => needs("nats@1.0" as never)).toThrow(/nats@1\.0 is not available/);
    } finally {
      process.env = before;
    }
  });

  it("publish a manifest without the condition for sources", () => {
    const entry = { "@quorate/source": "./src/a.ts", types: "t", default: "d" };
    const manifest = { name: "n", version: "1.0.0", exports: { ".": entry, "./p": "./p" } };
    const published = publishedManifest(manifest).exports;
    expect(published).toEqual({ ".": { types: "t", default: "d" }, "./p": "./p" });
  });

  it("find blocks, links and anchors of a page, and nothing inside code", () => {
    const page = "# A `b` c!\n\n[x](y.md#z)\n\n```ts run\nconst a = '[n](o)';\n```\n\n# A b c\n";
    expect(blocksOf("p.md", page)).toEqual([
      { page: "p.md", line: 6, words: ["ts", "run"], code: "const a = '[n](o)';" },
    ]);
    expect(linksOf(page)).toEqual([{ target: "y.md#z", line: 3 }]);
    expect([...anchorsOf(page)]).toEqual(["a-b-c", "a-b-c-1"]);
  });
});
