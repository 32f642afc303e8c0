import { type Deferred, deferred } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { Lanes } from "./lanes.ts";

/** Jobs that end when they are told to, and which of them have begun. */
function jobs(lanes: Lanes, count: number) {
  const begun: number[] = [];
  const ends: Deferred<void>[] = Array.from({ length: count }, () => deferred<void>());
  const ask = ends.map((end, index) =>
    lanes.add(() => {
      begun.push(index);
      return end.promise;
    }),
  );
  const settle = async (index: number): Promise<void> => {
    ends[index]?.resolve();
    await ends[index]?.promise;
    await new Promise(setImmediate);
  };
  return { begun, ends, ask, settle };
}

describe("one lane", () => {
  it("begins a job when it is asked for, and none before", async () => {
    const { begun, ask, settle } = jobs(new Lanes(1), 3);
    const second = ask[1]?.();
    expect(begun).toEqual([1]);
    await settle(1);
    await second;
    expect(begun).toEqual([1]);
  });

  it("begins what is asked for though another job hangs", () => {
    const { begun, ask } = jobs(new Lanes(1), 2);
    void ask[0]?.();
    void ask[1]?.();
    expect(begun).toEqual([0, 1]);
  });
});

describe("several lanes", () => {
  it("run as many jobs as there are lanes, in order", async () => {
    const { begun, ask, settle } = jobs(new Lanes(3), 5);
    void ask[0]?.();
    expect(begun).toEqual([0, 1, 2]);
    await settle(1);
    expect(begun).toEqual([0, 1, 2, 3]);
  });

  it("run each job once, and tell its outcome whenever it is asked for", async () => {
    const { begun, ask, ends, settle } = jobs(new Lanes(2), 2);
    void ask[0]?.();
    ends[1]?.reject(new Error("failed ahead of its turn"));
    await settle(0);
    await expect(ask[1]?.()).rejects.toThrow("failed ahead of its turn");
    expect(begun).toEqual([0, 1]);
  });

  it("do not begin all that there is for the sake of one", async () => {
    const { begun, ask, settle } = jobs(new Lanes(2), 30);
    void ask[0]?.();
    for (let index = 0; index < 30; index++) await settle(index);
    expect(begun).toHaveLength(8);
  });

  it("are quiet when what nobody asked for has ended", async () => {
    const lanes = new Lanes(2);
    const { ask, settle } = jobs(lanes, 2);
    void ask[0]?.();
    let isQuiet = false;
    const quiet = lanes.quiet().then(() => (isQuiet = true));
    await settle(0);
    expect(isQuiet).toBe(false);
    await settle(1);
    await quiet;
    expect(isQuiet).toBe(true);
  });
});
