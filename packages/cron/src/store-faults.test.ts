import { isQuorateError, type QuorateError } from "@quorate/core";
import { checkTicks } from "@quorate/simulator";
import { describe, expect, it } from "vitest";
import { type Mishap, World } from "./world.fixture.ts";

const START_MS = Date.parse("2026-01-01T00:00:00Z");

describe("the n-th call of the store", () => {
  it.each<Mishap>(["none", "unknown"])("may come to %s: ticks stay exact", async (mishap) => {
    for (let index = 0; index < 14; index += 1) {
      const world = new World({ seed: index + 1 });
      const ran: number[] = [];
      const members = [1, 2].map(() => world.process());
      for (const { cron, calls } of members) {
        calls.fate = (at) => (at === index ? mishap : undefined);
        const handler = ({ tick }: { tick: Date }): void => void ran.push(tick.getTime());
        cron.schedule("job", { everyMs: 1_000 }, handler);
      }
      await world.runtime.advance(12_100);
      const scheduled = Array.from({ length: 12 }, (_, at) => START_MS + (at + 1) * 1_000);
      const report = checkTicks({ scheduled, ran });
      expect([index, report.violations]).toEqual([index, []]);
      for (const { cron } of members) await world.outcome(cron.close());
    }
  });
});

describe("a record that is not ours", () => {
  const own = {
    v: 1,
    schedule: "every 1000 ms",
    judgedMs: START_MS,
    waiting: [],
    running: [],
    history: [],
    counts: {
      done: 0,
      failed: 0,
      "timed-out": 0,
      crashed: 0,
      missed: 0,
      "skipped-overlap": 0,
      "skipped-paused": 0,
    },
  };
  const run = { key: "k", tickMs: 1, attempt: 1, manual: false, owner: "o", by: "b" };

  it.each([
    "",
    "null",
    "[]",
    "not json",
    JSON.stringify({ ...own, v: 2 }),
    JSON.stringify({ ...own, judgedMs: -1 }),
    JSON.stringify({ ...own, judgedMs: 1e300 }),
    JSON.stringify({ ...own, waiting: {} }),
    JSON.stringify({ ...own, counts: {} }),
    JSON.stringify({ ...own, paused: "yes" }),
    JSON.stringify({ ...own, running: [run] }),
    JSON.stringify({ ...own, running: [{ ...run, fencingToken: 1, startedMs: 1, owner: "../x" }] }),
    JSON.stringify({ ...own, history: [{ ...run, outcome: "__proto__" }] }),
    `${"[".repeat(1_000)}${"]".repeat(1_000)}`,
    `"${"x".repeat(600_000)}"`.slice(0, 500_000),
  ])("is refused and left as it is: %#", async (text) => {
    const world = new World();
    const { cron, backend } = world.process();
    await backend.kv.put("cron/job", text);
    let runs = 0;
    cron.schedule("job", { everyMs: 1_000 }, () => (runs += 1));
    await world.runtime.advance(3_000);
    const error: unknown = await world.outcome(
      cron.history("job").catch((one: QuorateError) => one),
    );
    expect(isQuorateError(error, "RECORD_INVALID")).toBe(true);
    expect(world.events("failed")[0]).toMatchObject({ code: "RECORD_INVALID" });
    const entry = await backend.kv.get("cron/job");
    expect([runs, Buffer.from(entry?.value ?? []).toString()]).toEqual([0, text]);
    // Once it is gone, the job begins.
    await backend.kv.delete("cron/job");
    await world.runtime.advance(8_000);
    expect(runs).toBeGreaterThan(0);
  });

  it("that forgot: what this process saw judged is not run again", async () => {
    const world = new World();
    const { cron, backend } = world.process();
    const ran: number[] = [];
    cron.schedule("job", { everyMs: 1_000 }, ({ tick }) => ran.push(tick.getTime()));
    await world.runtime.advance(2_100);
    const old = await backend.kv.get("cron/job");
    await world.runtime.advance(3_000);
    await backend.kv.put("cron/job", old?.value ?? "");
    await world.runtime.advance(2_000);
    await backend.kv.delete("cron/job");
    await world.runtime.advance(2_000);
    expect(ran.map((ms) => (ms - START_MS) / 1_000)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe("what a tick costs", () => {
  it("idle processes one read, the one that runs it two writes more", async () => {
    const world = new World();
    const members = [1, 2, 3, 4, 5].map(() => world.process());
    for (const { cron } of members) cron.schedule("job", { everyMs: 10_000 }, () => {});
    await world.runtime.advance(10_000);
    const before = members.map(({ calls }) => calls.made.length);
    await world.runtime.advance(200_000);
    const calls = members.flatMap(({ calls: { made } }, at) => made.slice(before[at]));
    const count = (name: string): number => calls.filter((one) => one === name).length / 20;
    expect(count("get")).toBeLessThanOrEqual(5.2);
    expect(count("put")).toBeLessThanOrEqual(2.3);
  });
});
