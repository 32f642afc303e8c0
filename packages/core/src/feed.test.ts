import { getEventListeners } from "node:events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { Feed } from "./feed.ts";

/** All that is unread, without waiting for more. */
async function drain<T>(feed: Feed<T>): Promise<T[]> {
  const taken: T[] = [];
  while (feed.size > 0) {
    const step = await feed.next();
    if (step.done !== true) taken.push(step.value);
  }
  return taken;
}

describe("a feed", () => {
  it("keeps the last event of a key, in the place of the first", async () => {
    const feed = new Feed<string>();
    feed.push("a", "a1");
    feed.push("b", "b1");
    feed.push("synced", "synced");
    feed.push("a", "a2");
    feed.push("c", "c1");
    expect(await drain(feed)).toEqual(["a2", "b1", "synced", "c1"]);
  });

  it("hands events to readers who wait, in the order in which they asked", async () => {
    const feed = new Feed<number>();
    const reads = [feed.next(), feed.next(), feed.next()];
    feed.push("a", 1);
    feed.push("a", 2);
    feed.push("a", 3);
    expect((await Promise.all(reads)).map(({ value }) => value as number)).toEqual([1, 2, 3]);
    expect(feed.size).toBe(0);
  });

  it("is bounded by its keys, however slow the reader is", async () => {
    const feed = new Feed<number>();
    for (let index = 0; index < 100_000; index++) feed.push(`key ${index % 10}`, index);
    expect(feed.size).toBe(10);
    expect((await drain(feed)).at(-1)).toBe(99_999);
  });

  it("hands on what a list would, however pushes, reads and take-backs mix", async () => {
    const step = fc.record({
      act: fc.constantFrom("push", "push", "next", "retract"),
      key: fc.constantFrom("a", "b", "c", "d"),
    });
    const plan = fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const feed = new Feed<number>();
      const list: { key: string; value: number }[] = [];
      for (const [value, { act, key }] of steps.entries()) {
        const at = list.findIndex((one) => one.key === key);
        if (act === "push") {
          feed.push(key, value);
          if (at < 0) list.push({ key, value });
          else list[at] = { key, value };
        } else if (act === "retract") {
          expect(feed.retract(key)).toBe(at >= 0);
          if (at >= 0) list.splice(at, 1);
        } else if (list.length > 0) {
          expect(await feed.next()).toEqual({ done: false, value: list.shift()?.value });
        }
      }
      expect(await drain(feed)).toEqual(list.map(({ value }) => value));
    });
    await fc.assert(plan);
  });

  it("takes unread events back", async () => {
    const feed = new Feed<string>();
    feed.push("a", "a1");
    expect([feed.unread("a"), feed.unread("b")]).toEqual(["a1", undefined]);
    expect([feed.retract("a"), feed.retract("a")]).toEqual([true, false]);
    expect(feed.size).toBe(0);
  });

  it("ends after what was unread, and stays ended", async () => {
    let ends = 0;
    const feed = new Feed<string>({ onEnd: () => (ends += 1) });
    feed.push("a", "a1");
    feed.end();
    feed.push("b", "too late");
    feed.end();
    const taken: string[] = [];
    for await (const event of feed) taken.push(event);
    expect(taken).toEqual(["a1"]);
    expect((await feed.next()).done).toBe(true);
    expect(ends).toBe(1);
  });

  it("ends those who wait", async () => {
    const feed = new Feed<string>();
    const reads = [feed.next(), feed.next()];
    feed.end();
    expect((await Promise.all(reads)).map(({ done }) => done)).toEqual([true, true]);
  });

  it("fails once with the reason, then is done; what was unread is dropped", async () => {
    const reason = new Error("stop");
    const control = new AbortController();
    let ends = 0;
    const feed = new Feed<string>({ signal: control.signal, onEnd: () => (ends += 1) });
    feed.push("a", "a1");
    control.abort(reason);
    await expect(feed.next()).rejects.toBe(reason);
    expect((await feed.next()).done).toBe(true);
    expect(ends).toBe(1);
    expect(getEventListeners(control.signal, "abort").length).toBe(0);
  });

  it("fails only the first of those who wait", async () => {
    const control = new AbortController();
    const feed = new Feed<string>({ signal: control.signal });
    const reads = [feed.next(), feed.next()];
    control.abort(new Error("stop"));
    const settled = await Promise.allSettled(reads);
    expect(settled.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
  });

  it("can be made with a signal that has aborted already", async () => {
    let ends = 0;
    const signal = AbortSignal.abort(new Error("before"));
    const feed = new Feed<string>({ signal, onEnd: () => (ends += 1) });
    feed.push("a", "never seen");
    await expect(feed.next()).rejects.toThrow("before");
    expect(ends).toBe(1);
  });

  it("lets go of its signal when the reader leaves the loop", async () => {
    const { signal } = new AbortController();
    let ends = 0;
    const feed = new Feed<string>({ signal, onEnd: () => (ends += 1) });
    feed.push("a", "a1");
    feed.push("b", "b1");
    for await (const event of feed) {
      expect(event).toBe("a1");
      break;
    }
    expect([ends, feed.size, getEventListeners(signal, "abort").length]).toEqual([1, 0, 0]);
  });
});
