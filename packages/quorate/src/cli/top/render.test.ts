import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { frame, render, share, UNBOUNDED } from "./render.ts";
import type { Section, Snapshot } from "./snapshot.ts";

const section = (name: string, count: number, change: Partial<Section> = {}): Section => ({
  name,
  summary: `${count} of them`,
  rows: Array.from({ length: count }, (_, index) => ({ [name]: `${name}-${index}`, token: index })),
  isCut: false,
  isBad: false,
  ...change,
});

const snapshotOf = (...sections: Section[]): Snapshot => ({
  at: new Date("2030-01-01T12:00:00Z"),
  server: "redis 7.0.15",
  tookMs: 3.4,
  sections,
});

describe("a frame of top", () => {
  it("shows all where there is room", () => {
    const snapshot = snapshotOf(section("locks", 2), section("jobs", 0));
    expect(render(snapshot, { columns: 80, rows: 20 })).toEqual([
      "quorate top  2030-01-01T12:00:00Z  redis 7.0.15  read in 3 ms",
      "─ locks: 2 of them",
      "  locks    token",
      "  locks-0  0",
      "  locks-1  1",
      "─ jobs: 0 of them",
      "q: quit",
    ]);
  });

  it("takes rows from the longest first, and counts what is missing", () => {
    const lines = render(snapshotOf(section("locks", 50), section("jobs", 2)), {
      columns: 80,
      rows: 12,
    });
    expect(lines).toHaveLength(12);
    expect(lines).toContain("  jobs-1  1");
    expect(lines.find((line) => line.includes("more"))).toBe("  … 47 more");
  });

  it("marks what is bad, and says where it did not look at all", () => {
    const lines = render(
      snapshotOf(section("sagas", 1, { isBad: true }), section("locks", 1, { isCut: true })),
      UNBOUNDED,
    );
    expect(lines).toContain("✗ sagas: 1 of them");
    expect(lines).toContain("─ locks: 1 of them, and more than are looked at");
    expect(lines).not.toContain("q: quit");
  });

  it("fits any window, whatever is in the store, and lets no text move the cursor", () => {
    const texts = fc.string({ unit: "grapheme", maxLength: 200 });
    const sections = fc.array(fc.tuple(texts, fc.array(texts, { maxLength: 30 })), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(sections, fc.nat(120), fc.nat(50), (all, columns, rows) => {
        const made = all.map(([summary, cells], index) =>
          section(`part-${index}`, 0, {
            summary: `\u001b[2J${summary}`,
            rows: cells.map((cell) => ({ cell })),
          }),
        );
        const lines = render(snapshotOf(...made), { columns, rows });
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(Math.max(columns, 1));
        // oxlint-disable-next-line no-control-regex -- control characters are what it is about
        expect(lines.join("")).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
      { numRuns: 60 },
    );
  });

  it("is one text that begins at the top and clears what is left of the last", () => {
    expect(frame(["a", "b"])).toBe("\u001b[Ha\u001b[K\r\nb\u001b[K\u001b[J");
  });
});

describe("room shared among sections", () => {
  it.each([
    [[2, 2], 10, [2, 2]],
    [[50, 2], 10, [8, 2]],
    [[50, 50], 11, [6, 5]],
    [[0, 5], 3, [0, 3]],
    [[5], -2, [0]],
  ])("%j in %i lines", (needs, room, expected) => {
    expect(share(needs, room)).toEqual(expected);
  });
});
