import { describe, expect, it } from "vitest";

import { createIds } from "./ids.ts";
import { seededRandom } from "./scripted.ts";
import { systemRuntime } from "./system.ts";

describe("unique ids", () => {
  it("are UUIDs of version 7, which begin with the time", () => {
    const ids = createIds({ wallMs: () => 1_767_225_600_000 }, seededRandom(1));
    const id = ids.unique();
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16)).toBe(1_767_225_600_000);
  });

  it("sort by birth, within a millisecond and when the clock is set back", () => {
    let nowMs = 1_767_225_600_000.5;
    const ids = createIds({ wallMs: () => nowMs }, seededRandom(2));
    const made: string[] = [];
    for (let index = 0; index < 30_000; index++) {
      if (index % 1_000 === 999) nowMs += index % 2_000 === 999 ? 5 : -60_000;
      made.push(ids.unique());
    }
    expect([...made].sort()).toEqual(made);
    expect(new Set(made).size).toBe(made.length);
  });

  it("differ between two processes that start in the same millisecond", () => {
    const time = { wallMs: () => 1_767_225_600_000 };
    const made = [1, 2, 3].flatMap((seed) => {
      const ids = createIds(time, seededRandom(seed));
      return Array.from({ length: 1_000 }, () => ids.unique());
    });
    expect(new Set(made).size).toBe(3_000);
  });

  it("are the same again from the same seed", () => {
    const run = () => createIds({ wallMs: () => 5 }, seededRandom(9)).unique();
    expect(run()).toBe(run());
  });
});

describe("operation ids", () => {
  it("are 24 characters of [0-9a-z], unique, and legal as operation ids of the waist", () => {
    const { ids } = systemRuntime;
    const made = Array.from({ length: 100_000 }, () => ids.operation());
    expect(new Set(made).size).toBe(made.length);
    for (const id of [made[0], made.at(-1)]) expect(id).toMatch(/^[0-9a-z]{24}$/);
  });

  it("differ between runtimes from the first one on", () => {
    const made = Array.from({ length: 1_000 }, (_, seed) =>
      createIds({ wallMs: () => 5 }, seededRandom(seed)).operation(),
    );
    expect(new Set(made).size).toBe(made.length);
  });
});
