/**
 * The pages about moving show the rival's code too. A `js before NAME@MAJOR` block is run against
 * that very version, on a real Redis; other rivals' code stands in `ts run` blocks, which
 * `docs.test.ts` runs. So no page moves people away from something that does not exist.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { needs, startRedis } from "../scripts/servers/index.mjs";
import { run } from "../scripts/servers/run.mjs";
import type { ServerProcess } from "../scripts/servers/types.ts";
import { blocksOf } from "./support/markdown.ts";
import { listFiles, readSource, ROOT } from "./support/repository.ts";

/** Where the benchmarks' rivals are installed, by what the pages call them. */
const RIVALS: Readonly<Record<string, string>> = {
  "redlock@4": "node_modules/redlock4",
  "redlock@5": "bench/node_modules/redlock",
};

const blocks = listFiles("docs/migrate")
  .flatMap((path) => blocksOf(path, readSource(path).text))
  .filter(({ words }) => words[0] === "js" && words[1] === "before");

describe.skipIf(needs("redis").skip)("the code before the move", () => {
  let redis: ServerProcess;
  let home = "";

  beforeAll(async () => {
    redis = await startRedis();
    home = mkdtempSync(join(tmpdir(), "quorate-migrate-"));
  });

  afterAll(async () => {
    await redis.stop();
    rmSync(home, { recursive: true, force: true });
  });

  it.each(blocks.map((block) => [block.words[2] ?? "", block] as const))(
    "of %s runs",
    async (rival, { code }) => {
      const [name = ""] = rival.split("@");
      const modules = join(home, rival, "node_modules");
      mkdirSync(modules, { recursive: true });
      symlinkSync(join(ROOT, RIVALS[rival] ?? "no such rival"), join(modules, name));
      symlinkSync(join(ROOT, "node_modules", "ioredis"), join(modules, "ioredis"));
      const file = join(home, rival, "before.mjs");
      writeFileSync(file, code);
      const env = { PATH: process.env["PATH"], REDIS_URL: redis.url };
      expect(await run(process.execPath, [file], { env })).toEqual({
        ok: true,
        output: "one at a time\n",
      });
    },
  );

  it("is there for both versions of redlock", () => {
    expect(blocks.map(({ words }) => words[2])).toEqual(["redlock@4", "redlock@5"]);
  });
});
