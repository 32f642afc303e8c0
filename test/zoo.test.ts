/**
 * The bug zoo: every bug in it has its place in today's code, and is found by today's scenarios.
 *
 * A tour of all takes minutes, so a test run visits a twelfth of the cages by the day (UTC), all
 * of them in twelve days. `QUORATE_ZOO=all` visits all, and `npm run zoo` looks longer, under other
 * seeds.
 */
import { beforeAll, describe, expect, it } from "vitest";

import { ofToday, shareOfToday } from "./support/by-day.ts";
import { textsWith } from "./zoo/hunt.ts";
import { edited } from "./zoo/specimen.ts";
import { SPECIMENS } from "./zoo/specimens.ts";
import { type Finding, median, tour } from "./zoo/tour.ts";

const TOUR_MS = 300_000;
const SHARES = 12;
const share = shareOfToday(SHARES);
const isAll = process.env["QUORATE_ZOO"] === "all";
const VISITED = ofToday(SPECIMENS, SHARES, isAll);

describe("the zoo", () => {
  it("has at least 40 inhabitants, each under a name of its own", () => {
    const names = SPECIMENS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThanOrEqual(40);
  });

  it.each(SPECIMENS)("has a place for $name", (specimen) => {
    expect(() => textsWith(specimen)).not.toThrow();
  });

  it("says so when the code has moved on", () => {
    const edit = { file: "a.ts", find: "if (a)", replace: "" };
    expect(() => edited("it", edit, "if (b)")).toThrow(
      "it has lost its place: its text is 0 times",
    );
    expect(() => edited("it", edit, "if (a) if (a)")).toThrow("2 times");
    expect(() => edited("it", { ...edit, replace: "if (a)" }, "if (a)")).toThrow("changes nothing");
  });
});

describe("on a tour", () => {
  let findings: readonly Finding[] = [];

  beforeAll(async () => {
    findings = await tour(VISITED);
    const seeds = findings.flatMap(({ found }) => (found === undefined ? [] : [found.seeds]));
    console.log(
      `${isAll ? "all" : `share ${share + 1} of ${SHARES}`} of the zoo: ` +
        `${seeds.length} of ${findings.length} bugs found; seeds to detection: ` +
        `median ${median(seeds)}, most ${Math.max(...seeds)}`,
    );
  }, TOUR_MS);

  it.each(VISITED.map(({ name }, index) => ({ name, index })))(
    "$name is found, and only where it is",
    ({ name, index }) => {
      const finding = findings[index];
      expect(finding?.specimen.name).toBe(name);
      expect(finding?.problem).toBeUndefined();
      expect(finding?.found).toBeDefined();
    },
  );
});
