import { describe, expect, it } from "vitest";
import { ExploredProcess } from "./process.ts";
import { Timeline } from "./timeline.ts";

function world() {
  const timeline = new Timeline();
  const fired: string[] = [];
  const process = (number: number) => {
    const one = new ExploredProcess(number);
    const { time } = timeline.runtimeOf(one, `p${number}`);
    const after = (ms: number, name: string) => time.setTimer(ms, () => fired.push(name));
    return { one, time, after };
  };
  return { timeline, fired, process };
}

describe("virtual time", () => {
  it("jumps from timer to timer, those of one instant in the order of setting", () => {
    const { timeline, fired, process } = world();
    const { after, time } = process(1);
    after(10, "b");
    after(5, "a");
    after(10, "c");
    after(7, "never").cancel();
    while (timeline.step(1_000));
    expect(fired).toEqual(["a", "b", "c"]);
    expect(time.monotonicMs()).toBe(10);
  });

  it("goes no further than it is told", () => {
    const { timeline, fired, process } = world();
    process(1).after(11, "late");
    expect(timeline.step(10)).toBe(false);
    expect(fired).toEqual([]);
    expect(timeline.step(11)).toBe(true);
  });

  it("keeps a paused process's timers until it goes on, and drops a dead one's", () => {
    const { timeline, fired, process } = world();
    const [paused, dead, live] = [process(1), process(2), process(3)];
    paused.after(1, "paused");
    const cancelled = paused.after(2, "cancelled");
    dead.after(1, "dead");
    live.after(5, "live");
    paused.one.pause();
    dead.one.kill();
    while (timeline.step(1_000));
    expect(fired).toEqual(["live"]);
    cancelled.cancel();
    paused.one.resume();
    expect(fired).toEqual(["live", "paused"]);
  });

  it("gives a process of the same name the same chance", () => {
    const [left, right] = [new Timeline(), new Timeline()];
    const draw = (timeline: Timeline, name: string) =>
      timeline.runtimeOf(new ExploredProcess(1), name).random.next();
    expect(draw(left, "a")).toBe(draw(right, "a"));
    expect(draw(left, "a")).not.toBe(draw(left, "b"));
  });
});
