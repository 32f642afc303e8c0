/**
 * Never two sides stay (case 42): all groups of up to 5 members, all cuts, all standings; then all
 * changes of standing of which only one side has heard; then all ways to break links.
 */
import { describe, expect, it } from "vitest";

import { resolveSplit, type SplitDecision } from "./resolve.ts";
import {
  keepMajority,
  keepOldest,
  keepReferee,
  leaseMajority,
  type SplitStrategy,
  staticQuorum,
} from "./strategies.ts";
import {
  indirectlyConnected,
  type SplitMember,
  type SplitReach,
  type SplitStanding,
} from "./view.ts";

const STANDINGS = ["joining", "up", "leaving"] as const;
/** Side A's view and side B's; `undefined`: gone, as far as that side knows. */
type Pair = readonly [SplitStanding | undefined, SplitStanding | undefined];
const SAME: readonly Pair[] = STANDINGS.map((standing) => [standing, standing]);
const IN_FLIGHT: readonly Pair[] = [
  ["joining", "up"],
  ["up", "joining"],
  ["leaving", undefined],
  [undefined, "leaving"],
];

const RULES: readonly (readonly [name: string, strategy: SplitStrategy])[] = [
  ["keep majority", keepMajority()],
  ["a static quorum of 3", staticQuorum({ size: 3 })],
  ["keep oldest", keepOldest()],
  ["keep oldest, even alone", keepOldest({ downIfAlone: false })],
  ["keep referee", keepReferee({ id: "n1" })],
];

function member(place: number, standing: SplitStanding, reach: SplitReach): SplitMember {
  // Not in the order of ids, so that the oldest and the least are different ones.
  const joined = (place * 3 + 2) % 5;
  const id = `n${place}`;
  return standing === "joining" ? { id, standing, reach } : { id, standing, reach, joined };
}

function decide(
  strategy: SplitStrategy,
  members: readonly SplitMember[],
): SplitDecision | undefined {
  const self = members.find(({ reach }) => reach === "reachable")?.id;
  return self === undefined ? undefined : resolveSplit({ strategy, view: { self, members } });
}

function stays(decision: SplitDecision | undefined): boolean {
  return decision?.kind === "keep" || decision?.kind === "downOthers";
}

function isCountedByBoth(pair: Pair): boolean {
  return pair.every((standing) => standing === "up" || standing === "leaving");
}

/** All lists of `length` picks. */
function* picks<T>(choices: readonly T[], length: number): Generator<readonly T[]> {
  for (let code = 0; code < choices.length ** length; code++) {
    yield Array.from({ length }, (_, at) => {
      return choices[Math.floor(code / choices.length ** at) % choices.length] as T;
    });
  }
}

/** All ways to deal `size` members to sides, which are numbered as they come. */
function* cuts(size: number, sides: readonly number[] = [0]): Generator<readonly number[]> {
  if (sides.length === size) return yield sides;
  for (let side = 0; side <= Math.max(...sides) + 1; side++) yield* cuts(size, [...sides, side]);
}

describe.each(RULES)("%s", (_name, strategy) => {
  it("lets at most one side stay, over all cuts of up to 5 members in all standings", () => {
    let split = 0;
    let survived = 0;
    for (const size of [1, 2, 3, 4, 5]) {
      for (const sides of cuts(size)) {
        const count = Math.max(...sides) + 1;
        for (const standings of picks(STANDINGS, size)) {
          let staying = 0;
          for (let side = 0; side < count; side++) {
            const view = standings.map((standing, place) => {
              return member(place, standing, sides[place] === side ? "reachable" : "unreachable");
            });
            if (stays(decide(strategy, view))) staying += 1;
          }
          if (staying > 1)
            expect.fail(`${sides.join()} ${standings.join()}: ${staying} sides stay`);
          if (count > 1) split += 1;
          if (count > 1 && staying === 1) survived += 1;
        }
      }
    }
    expect(split).toBe(13_644);
    // A rule that ends all is safe and worth nothing.
    expect(survived).toBeGreaterThan(5);
  });

  it("lets at most one side stay while a change is known to one side only", () => {
    let checked = 0;
    for (const [size, pairs] of [
      [4, [...SAME, ...IN_FLIGHT]],
      [5, [["up", "up"], ...IN_FLIGHT] as readonly Pair[]],
    ] as const) {
      for (const standings of picks(pairs, size)) {
        // The oldest is who became a member first, if there is one whom both sides count.
        if (strategy.kind === "keep-oldest" && !standings.some(isCountedByBoth)) continue;
        // Member 0 on side A: the other half of all cuts is the same with the sides swapped.
        for (let cut = 0; cut < 2 ** size; cut += 2) {
          const views: SplitMember[][] = [[], []];
          for (const [place, pair] of standings.entries()) {
            const home = (cut >> place) & 1;
            for (const side of [0, 1] as const) {
              const standing = pair[side];
              if (standing === undefined) continue;
              const reach = home === side ? "reachable" : "unreachable";
              // Whoever is up there and joining here became a member last.
              const isNew = pair.includes("joining") && standing === "up";
              const seen = member(place, standing, reach);
              views[side]?.push(isNew ? { ...seen, joined: 10 + place } : seen);
            }
          }
          checked += 1;
          if (views.every((view) => stays(decide(strategy, view)))) {
            const both = [decide(strategy, views[0] ?? []), decide(strategy, views[1] ?? [])];
            // Nobody unreachable is nobody ended: such a side has seen no cut.
            if (both.some((decision) => decision?.kind === "keep")) continue;
            expect.fail(`${cut.toString(2)} ${standings.join(" ")}: both sides stay`);
          }
        }
      }
    }
    expect(checked).toBeGreaterThan(40_000);
  });

  it("leaves only members that all reach each other, over all ways to break links", () => {
    const pairs: [number, number][] = [];
    for (let one = 0; one < 5; one++) for (let two = 0; two < one; two++) pairs.push([two, one]);
    let survived = 0;
    for (let broken = 1; broken < 2 ** pairs.length; broken++) {
      const links = pairs.filter((_, at) => ((broken >> at) & 1) === 1);
      const staying: number[] = [];
      for (const side of components(5, links)) {
        const heard = new Set([...side].map((place) => `n${place}`));
        const reports = links.flatMap(([one, two]) => [
          { observer: `n${one}`, subject: `n${two}` },
          { observer: `n${two}`, subject: `n${one}` },
        ]);
        const indirect = indirectlyConnected(reports, heard);
        const view = [0, 1, 2, 3, 4].map((place) => {
          const reach = indirect.has(`n${place}`) ? "indirect" : "reachable";
          return member(place, "up", side.has(place) ? reach : "unreachable");
        });
        if (!stays(decide(strategy, view))) continue;
        staying.push(...[...side].filter((place) => !indirect.has(`n${place}`)));
      }
      const isCut = links.some(([one, two]) => staying.includes(one) && staying.includes(two));
      if (isCut) expect.fail(`${JSON.stringify(links)}: ${staying.join()} stay`);
      if (staying.length > 0) survived += 1;
    }
    expect(survived).toBeGreaterThan(20);
  });
});

/** Who hears of whom, through others too. */
function components(size: number, broken: readonly [number, number][]): readonly Set<number>[] {
  const cut = new Set(broken.map(([one, two]) => one * size + two));
  const found: Set<number>[] = [];
  for (let place = 0; place < size; place++) {
    if (found.some((side) => side.has(place))) continue;
    const side = new Set([place]);
    for (const one of side) {
      for (let two = 0; two < size; two++) {
        if (!cut.has(Math.min(one, two) * size + Math.max(one, two))) side.add(two);
      }
    }
    found.push(side);
  }
  return found;
}

describe("what a strategy decides", () => {
  const up = (place: number, reach: SplitReach = "reachable"): SplitMember =>
    member(place, "up", reach);
  const far = (place: number): SplitMember => up(place, "unreachable");

  it("keeps what is whole", () => {
    expect(decide(keepMajority(), [up(0), up(1)])).toMatchObject({ kind: "keep" });
  });

  it("of two equal halves keeps that with the least id", () => {
    expect(decide(keepMajority(), [up(0), far(1)])).toMatchObject({ down: ["n1"] });
    expect(decide(keepMajority(), [far(0), up(1)])).toMatchObject({
      kind: "downSelf",
      down: ["n1"],
    });
  });

  it("ends all where the other side may count one more, or this side one less", () => {
    const joining = member(3, "joining", "unreachable");
    // Two of three here; if the one that joins is up there, two of four, without the least id.
    expect(decide(keepMajority(), [far(0), up(1), up(2), joining])?.kind).toBe("downAll");
    expect(decide(keepMajority(), [far(1), up(0), up(2), joining])?.kind).toBe("downOthers");
    const leaving = member(2, "leaving", "reachable");
    expect(decide(keepMajority(), [far(0), up(1), leaving])?.kind).toBe("downAll");
  });

  it("refuses a static quorum that two sides could reach", () => {
    const members = [up(0), up(1), up(2), far(3)];
    expect(decide(staticQuorum({ size: 3 }), members)?.kind).toBe("downOthers");
    expect(decide(staticQuorum({ size: 2 }), members)).toMatchObject({
      kind: "downAll",
      reason: "4 members: two sides could have 2 of them",
    });
  });

  it("keeps the oldest, unless it is alone", () => {
    // By `joined`, n1 (0) is the oldest.
    expect(decide(keepOldest(), [far(0), up(1), up(2), far(3), far(4)])?.kind).toBe("downOthers");
    expect(decide(keepOldest(), [far(0), up(1), far(2)])?.kind).toBe("downSelf");
    expect(decide(keepOldest(), [up(0), far(1), up(2)])?.kind).toBe("downOthers");
    const even = keepOldest({ downIfAlone: false });
    expect(decide(even, [far(0), up(1), far(2)])?.kind).toBe("downOthers");
  });

  it("ends those at a broken link first, and then looks at the rest", () => {
    const triangle = [up(0, "indirect"), up(1, "indirect"), up(2)];
    expect(decide(keepMajority(), triangle)).toMatchObject({
      kind: "downOthers",
      down: ["n0", "n1"],
    });
    const at = resolveSplit({
      strategy: keepMajority(),
      view: { self: "n0", members: triangle },
    });
    expect(at.kind).toBe("downSelf");
    // Three of five here, and two of them at a broken link: one of three is no majority.
    expect(decide(keepMajority(), [...triangle, far(3), far(4)])?.kind).toBe("downSelf");
  });

  it("asks a lease: the majority at once, the minority later, each side under one name", () => {
    const strategy = leaseMajority({ minorityDelayMs: 700 });
    const large = decide(strategy, [up(0), up(1), far(2)]);
    const small = decide(strategy, [far(0), far(1), up(2)]);
    expect(large).toMatchObject({ kind: "acquire", delayMs: 0, granted: { down: ["n2"] } });
    expect(small).toMatchObject({ kind: "acquire", delayMs: 700, refused: { down: ["n2"] } });
    const again = resolveSplit({
      strategy,
      view: { self: "n1", members: [far(2), up(1), up(0)] },
    });
    expect(again).toMatchObject({ claim: large?.kind === "acquire" ? large.claim : "" });
    expect(small).not.toMatchObject({ claim: large?.kind === "acquire" ? large.claim : "" });
  });

  it("refuses a bad view and bad options by name", () => {
    const view = { self: "n9", members: [up(0)] };
    expect(() => resolveSplit({ strategy: keepMajority(), view })).toThrow(/view.self/);
    expect(() => staticQuorum({ size: 0 })).toThrow(/size/);
    expect(() => keepReferee({ id: "" })).toThrow(/id/);
    expect(() => leaseMajority({ minorityDelayMs: -1 })).toThrow(/minorityDelayMs/);
    expect(() => keepOldest({ downIfalone: true } as never)).toThrow(/INVALID_ARGUMENT/);
  });
});

describe("what no strategy on counts can promise", () => {
  it("one side by the oldest, where each side knows another first member", () => {
    const [a, b] = [member(0, "up", "reachable"), member(1, "joining", "unreachable")];
    const [c, d] = [member(0, "joining", "unreachable"), member(1, "up", "reachable")];
    const strategy = keepOldest({ downIfAlone: false });
    expect([decide(strategy, [a, b]), decide(strategy, [c, d])].every(stays)).toBe(true);
  });

  const up = (place: number, reach: SplitReach): SplitMember => member(place, "up", reach);

  it("one side where members joined that the other has never heard of", () => {
    // Three against two; the two let two more join. Each side has a majority of what it knows.
    const here = [0, 1, 2].map((place) => up(place, "reachable"));
    const there = [3, 4].map((place) => up(place, "unreachable"));
    const a = [...here, ...there];
    const b = [...a, up(5, "unreachable"), up(6, "unreachable")].map(({ id, ...rest }) => {
      const reach = rest.reach === "reachable" ? ("unreachable" as const) : ("reachable" as const);
      return { id, ...rest, reach };
    });
    expect(stays(decide(keepMajority(), a))).toBe(true);
    expect(stays(decide(keepMajority(), b))).toBe(true);
    // A lease does not count: whoever asks second is refused.
    expect(decide(leaseMajority(), a)?.kind).toBe("acquire");
    expect(decide(leaseMajority(), b)?.kind).toBe("acquire");
  });
});
