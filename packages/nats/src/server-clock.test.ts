import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";
import { READING_LASTS_MS, ServerClock } from "./server-clock.ts";

describe("the server's clock", () => {
  it("is carried on by the monotonic clock, not by this machine's wall clock", async () => {
    const runtime = new ScriptedRuntime();
    const clock = new ServerClock(runtime);
    expect(clock.estimateMs()).toBeUndefined();
    clock.observe(1_000_000);
    await runtime.advance(250);
    runtime.stepWallClock(-86_400_000);
    expect(clock.estimateMs()).toBe(1_000_250);
    expect(clock.ageMs).toBe(250);
  });

  it("is read again when the reading is too old, once for all who ask", async () => {
    const runtime = new ScriptedRuntime();
    const clock = new ServerClock(runtime);
    let readings = 0;
    const read = async () => {
      readings += 1;
      return 5_000_000;
    };
    expect(await Promise.all([clock.nowMs(read), clock.nowMs(read)])).toEqual([
      5_000_000, 5_000_000,
    ]);
    await runtime.advance(READING_LASTS_MS);
    await clock.nowMs(read);
    expect(readings).toBe(1);
    await runtime.advance(1);
    await clock.nowMs(read);
    expect(readings).toBe(2);
    await clock.nowMs(read, 0);
    expect(readings).toBe(2); // No time has passed since: it is of now.
  });

  it("that cannot be read is asked for again by the next", async () => {
    const clock = new ServerClock(new ScriptedRuntime());
    const broken = () => Promise.reject(new Error("no answer"));
    await expect(clock.nowMs(broken)).rejects.toThrow("no answer");
    expect(await clock.nowMs(async () => 7)).toBe(7);
  });
});
