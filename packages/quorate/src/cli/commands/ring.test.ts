import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HashRing } from "@quorate/ring";
import { describe, expect, it } from "vitest";
import { runCommandLine } from "../run.ts";
import { typedTerminal } from "../terminal.fixture.ts";
import { nodesOf } from "./ring.ts";

/** A store that nobody must ask. */
const ENV = { REDIS_URL: "redis://127.0.0.1:1" };

async function typed(line: string): Promise<{ code: number; out: string; err: string }> {
  const { own, said } = typedTerminal(undefined, ENV);
  const code = await runCommandLine(line.split(" "), own);
  return { code, ...said };
}

describe("ring plan", () => {
  it("is the plan of the ring, beside what weights ask for, without any store", async () => {
    const { code, out } = await typed("ring plan --from a,b,c --to a,b,c,d=2 --keys 1000 --json");
    const plan = HashRing.of(["a", "b", "c"]).plan(
      HashRing.of(["a", "b", "c", { id: "d", weight: 2 }]),
    );
    const told = JSON.parse(out) as Record<string, unknown>;
    expect(code).toBe(0);
    expect(told).toMatchObject({ movedShare: plan.movedShare, flows: plan.flows, keys: 1_000 });
    expect(told["movedKeys"]).toBe(Math.round(1_000 * plan.movedShare));
    expect(told["idealShare"]).toBeCloseTo(0.4, 10);
    expect(told["nodes"]).toContainEqual(expect.objectContaining({ id: "d", idealAfter: 0.4 }));
  });

  it("shows people who gives to whom, and draws it if asked", async () => {
    const folder = await mkdtemp(join(tmpdir(), "quorate-ring-"));
    const file = join(folder, "plan.svg");
    const { out } = await typed(`ring plan --from a,b --to a,b,c --keys 9000 --svg ${file}`);
    expect(out).toMatch(/Moves \d/);
    expect(out).toMatch(/a +c +\d/);
    expect(out).toContain("33.33 %");
    expect(out).toContain("where 3000 is ideal");
    expect(await readFile(file, "utf8")).toMatch(/^<svg/);
    await rm(folder, { recursive: true });
  });

  it.each([
    ["ring plan --to a", "--from"],
    ["ring plan --from a,,b --to a", "--from"],
    ["ring plan --from a=x --to a", "--from"],
    ["ring plan --from a --to a,b --keys 1.5", "--keys"],
    ["ring plan --from a --to a,b --points 0", "--points"],
  ])("%j is refused by name", async (line, name) => {
    const { code, err } = await typed(line);
    expect(code).not.toBe(0);
    expect(err).toContain(name);
  });
});

describe("nodes on the command line", () => {
  it.each([
    [
      "a,b",
      [
        ["a", 1],
        ["b", 1],
      ],
    ],
    [
      " a , b=0.5 ",
      [
        ["a", 1],
        ["b", 0.5],
      ],
    ],
    ["10.0.0.1:11211=3", [["10.0.0.1:11211", 3]]],
    ["=a", [["=a", 1]]],
  ])("%j", (text, expected) => {
    expect(nodesOf("--to", text).map(({ id, weight }) => [id, weight])).toEqual(expected);
  });
});
