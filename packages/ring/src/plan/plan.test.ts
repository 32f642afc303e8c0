import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HashRing } from "../hash-ring.ts";
import type { PlanSvgOptions, PlanTableOptions } from "./ring-plan.ts";

const ring = HashRing.of(["a", "b", { id: "c", weight: 2 }]);

/** Tags, attributes and texts of a document without comments or CDATA; throws if it is not one. */
function parse(svg: string): { tags: string[]; attributes: string[]; texts: string[] } {
  const [tags, attributes, texts]: string[][] = [[], [], []];
  const open: string[] = [];
  const token = /<(\/?)(\w+)((?: [\w:-]+="[^"<>]*")*)(\/?)>|([^<>]+)/gy;
  let at = 0;
  for (const found of svg.matchAll(token)) {
    expect(found.index).toBe(at); // Nothing between the tokens: all of it was understood.
    at += found[0].length;
    const [, close, tag, rest = "", single, text] = found;
    if (text !== undefined) texts?.push(text);
    if (tag === undefined) continue;
    if (close === "/") expect(open.pop()).toBe(tag);
    else if (single !== "/") open.push(tag);
    tags?.push(tag);
    attributes?.push(...Array.from(rest.matchAll(/ ([\w:-]+)=/g), ([, name]) => name ?? ""));
  }
  expect(at).toBe(svg.length);
  expect(open).toEqual([]);
  return { tags: tags ?? [], attributes: attributes ?? [], texts: texts ?? [] };
}

describe("a plan", () => {
  it("says what moves, between whom, and each node's load before and after", () => {
    const next = ring.with("d").with({ id: "c", weight: 1 });
    const plan = ring.plan(next);
    const moves = ring.moved(next);
    expect(plan.ranges).toBe(moves.length);
    expect(plan.movedShare).toBe(moves.reduce((sum, { share }) => sum + share, 0));
    expect(plan.nodes.map(({ id }) => id)).toEqual(["a", "b", "c", "d"]);
    for (const node of plan.nodes) {
      expect(node.shareBefore).toBe(ring.share(node.id));
      expect(node.shareAfter).toBe(next.share(node.id));
      expect(node.shareAfter - node.shareBefore).toBeCloseTo(node.gains - node.gives, 12);
      const given = plan.flows.filter(({ from }) => from === node.id);
      expect(given.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(node.gives, 12);
    }
    expect(plan.nodes.map(({ weightBefore }) => weightBefore)).toEqual([1, 1, 2, undefined]);
    expect(plan.nodes.map(({ weightAfter }) => weightAfter)).toEqual([1, 1, 1, 1]);
    const shares = plan.flows.map(({ share }) => share);
    expect(shares).toEqual(shares.toSorted((left, right) => right - left));
  });

  it("moves no more than it must for one node, and says so", () => {
    const plan = ring.plan(ring.with("d"));
    expect(plan.leastShare).toBe(plan.movedShare);
    expect(plan.toTable()).toContain("no more than the loads ask for.");
    expect(plan.flows.every(({ to }) => to === "d")).toBe(true);
  });

  it("shows by how much ketama's weights move more than they must", () => {
    const names = Array.from({ length: 10 }, (_, index) => `10.0.0.${index}:11211`);
    const before = HashRing.ketama(names, { dialect: "hashring" });
    const plan = before.plan(before.with({ id: "10.0.1.0:11211", weight: 2 }));
    expect(plan.movedShare - plan.leastShare).toBeGreaterThan(0.01);
    expect(plan.toTable()).toMatch(/^Moves 2\d\.\d\d % of all keys in \d+ ranges; the loads alone/);
  });

  it("knows nobody: from an empty ring, to an empty ring, and between two", () => {
    const empty = HashRing.of([]);
    expect(empty.plan(ring).leastShare).toBe(1);
    expect(empty.plan(ring).flows.map(({ from }) => from)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(ring.plan(empty).movedShare).toBe(1);
    expect(ring.plan(empty).toTable()).toContain("(nobody)");
    expect(empty.plan(empty).toTable()).toContain("Nothing moves.");
    expect(parse(empty.plan(empty).toSvg()).tags).toContain("svg");
  });

  it("agrees with the moves in every figure, for any two rings", () => {
    const nodes = fc.dictionary(
      fc.constantFrom("a", "b", "c", "d", "__proto__"),
      fc.constantFrom(0, 0.5, 1, 3),
    );
    const toRing = (weights: Record<string, number>): HashRing =>
      HashRing.of(
        Object.entries(weights).map(([id, weight]) => ({ id, weight })),
        { points: 9 },
      );
    fc.assert(
      fc.property(nodes, nodes, (old, now) => {
        const [before, after] = [toRing(old), toRing(now)];
        const plan = before.plan(after);
        const shares = plan.flows.reduce((sum, { share }) => sum + share, 0);
        expect(shares).toBeCloseTo(plan.movedShare, 12);
        expect(plan.leastShare).toBeLessThanOrEqual(plan.movedShare + 1e-12);
        expect(plan.ranges).toBe(before.moved(after).length);
        const back = after.plan(before);
        expect(back.movedShare).toBe(plan.movedShare);
        expect(plan.movedShare === 0).toBe(plan.ranges === 0);
      }),
    );
  });
});

describe("a plan as a table", () => {
  it("reads like this", () => {
    expect(ring.plan(ring.with("d")).toTable()).toMatchInlineSnapshot(`
      "Moves 22.55 % of all keys in 132 ranges, no more than the loads ask for.

      node  weight   before    after    gains    gives
      ────  ──────  ───────  ───────  ───────  ───────
      a          1  25.38 %  21.45 %   0.00 %   3.93 %
      b          1  24.54 %  16.82 %   0.00 %   7.72 %
      c          2  50.09 %  39.18 %   0.00 %  10.90 %
      d      – → 1   0.00 %  22.55 %  22.55 %   0.00 %

      from  to    share  ranges
      ────  ──  ───────  ──────
      c     d   10.90 %      64
      b     d    7.72 %      38
      a     d    3.93 %      30"
    `);
  });

  it("counts the rows that it leaves out", () => {
    const many = HashRing.of(Array.from({ length: 50 }, (_, index) => `n${index}`));
    const lines = many.plan(many.without("n7")).toTable({ rows: 3 }).split("\n");
    expect(lines).toContain("… and 47 more nodes");
    expect(lines.filter((line) => /^n\d+ /.test(line))).toHaveLength(6);
  });

  it("keeps one line a row, whatever an id contains", () => {
    const plan = ring.plan(ring.with("x\nnode  100 %\u202e").with("y".repeat(10_240)));
    const table = plan.toTable({ rows: 100 });
    expect(table.split("\n")).toHaveLength(1 + 1 + 2 + 5 + 1 + 2 + plan.flows.length);
    expect(table).toContain("x\\u{a}node  100 %\\u{202e}");
    expect(Math.max(...table.split("\n").map((line) => line.length))).toBeLessThan(130);
  });

  it.each([{ rows: 0 }, { rows: 1.5 }, { row: 1 }])("refuses %j", (options) => {
    const plan = ring.plan(ring);
    expect(() => plan.toTable(options as PlanTableOptions)).toThrow(/must be/);
  });
});

describe("a plan as a picture", () => {
  it("is one well-formed document of shapes and text, with title and description first", () => {
    const { tags, attributes, texts } = parse(ring.plan(ring.with("d")).toSvg());
    expect(tags.slice(0, 4)).toEqual(["svg", "title", "title", "desc"]);
    const allowed = ["svg", "title", "desc", "rect", "path", "g", "text"];
    expect([...new Set(tags)].filter((tag) => !allowed.includes(tag))).toEqual([]);
    expect(attributes.filter((name) => /^on|href|style|id$|src/.test(name))).toEqual([]);
    expect(attributes.filter((name) => name === "role")).toHaveLength(1);
    expect(texts.some((text) => text.includes("Load of each node: a from"))).toBe(true);
  });

  it.each([
    `<script>alert(1)</script>`,
    `"><img src=x onerror=alert(1)>`,
    `' onload='alert(1)`,
    `&lt;b&gt;`,
    `]]><!--`,
    `\0\b\u001b`,
    `\uffff\ufffe`,
    `javascript:alert(1)`,
  ])("is inert with the id %j", (id) => {
    const plain = parse(ring.plan(ring.with("d")).toSvg());
    const hostile = parse(ring.plan(ring.with(id)).toSvg({ title: "t" }));
    expect(new Set(hostile.tags)).toEqual(new Set(plain.tags));
    expect(new Set(hostile.attributes)).toEqual(new Set(plain.attributes));
    // XML 1.0 has no such characters, not even escaped.
    // oxlint-disable-next-line no-control-regex
    expect(hostile.texts.join("")).not.toMatch(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/);
  });

  it("escapes its title too", () => {
    const svg = ring.plan(ring).toSvg({ title: `</title><script>"` });
    expect(parse(svg).tags).not.toContain("script");
  });

  it("draws each ring whole: every arc of every node, before and after", () => {
    const paths = [
      ...ring
        .plan(ring.with("d"))
        .toSvg()
        .matchAll(/<path d="([^"]+)"[^>]*><title>(\w+)/g),
    ];
    const titles = paths.map(([, , title = ""]) => title).toSorted((a, b) => (a < b ? -1 : 1));
    expect(titles).toEqual(["a", "a", "b", "b", "c", "c", "d", "moved"]);
    const lengthOf = (radius: number): number =>
      paths
        .flatMap(([, path = ""]) => [
          ...path.matchAll(/M([\d.]+) ([\d.]+)A([\d.]+) [\d.]+ 0 0 1 ([\d.]+) ([\d.]+)/g),
        ])
        .filter(([, , , r]) => Number(r) === radius)
        .reduce((sum, [, x1, y1, , x2, y2]) => {
          const chord = Math.hypot(Number(x2) - Number(x1), Number(y2) - Number(y1));
          return sum + 2 * Math.asin(Math.min(1, chord / 2 / radius));
        }, 0);
    expect(lengthOf(98)).toBeCloseTo(2 * Math.PI, 1);
    expect(lengthOf(134)).toBeCloseTo(2 * Math.PI, 1);
  });

  it("draws a single node as a whole circle", () => {
    const one = HashRing.of(["only"], { points: 1 });
    expect(
      one
        .plan(one)
        .toSvg()
        .match(/A98 98/g),
    ).toHaveLength(2);
  });

  it("marks on the rim as much as moves, also where it only samples", () => {
    const names = Array.from({ length: 100 }, (_, index) => `n${index}`);
    const before = HashRing.of(names);
    const after = HashRing.of(names.slice(0, 60), { points: 200 });
    const plan = before.plan(after);
    expect(plan.ranges).toBeGreaterThan(1_440);
    const rim = /<path d="([^"]+)"[^>]*><title>moved</.exec(plan.toSvg())?.[1] ?? "";
    const arcs = [...rim.matchAll(/M([\d.]+) ([\d.]+)A159 159 0 0 1 ([\d.]+) ([\d.]+)/g)];
    const turns = arcs.reduce((sum, [, x1, y1, x2, y2]) => {
      const chord = Math.hypot(Number(x2) - Number(x1), Number(y2) - Number(y1));
      return sum + Math.asin(Math.min(1, chord / 2 / 159)) / Math.PI;
    }, 0);
    expect(Math.abs(turns - plan.movedShare)).toBeLessThan(0.05);
  });

  it("stays small for a ring of a thousand nodes, and counts what it leaves out", () => {
    const many = HashRing.of(Array.from({ length: 1_000 }, (_, index) => `n${index}`));
    const svg = many.plan(many.with("newcomer")).toSvg({ bars: 5 });
    expect(svg.length).toBeLessThan(600_000);
    expect(svg).toContain("and 996 more nodes that change less");
    expect(parse(svg).texts.some((text) => text.startsWith("newcomer: 0.00 %"))).toBe(true);
  });

  it.each([{ bars: 0 }, { title: "" }, { titel: "x" }])("refuses %j", (options) => {
    const plan = ring.plan(ring);
    expect(() => plan.toSvg(options as PlanSvgOptions)).toThrow(/must be/);
  });
});
