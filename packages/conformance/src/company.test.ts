import { describe, expect, it } from "vitest";
import { areas } from "./areas.ts";
import { Company } from "./company.ts";
import { roundsOf } from "./rounds.ts";

/** A company of `size`, what befell its server, and what each member may do to it. */
function companyOf(size: number) {
  const struck: string[] = [];
  const company = new Company();
  const members = Array.from({ length: size }, () => {
    company.join();
    const freeze = company.share("freeze", () => void struck.push("freeze"));
    const thaw = company.share("thaw", () => void struck.push("thaw"));
    return { freeze, thaw };
  });
  return { company, struck, members };
}

const turn = (): Promise<void> => new Promise(setImmediate);

describe("a company", () => {
  it("is struck when all are ready, and once", async () => {
    const { struck, members } = companyOf(3);
    const early = members.slice(1).map(async ({ freeze }) => freeze());
    await turn();
    expect(struck).toEqual([]);
    await members[0]?.freeze();
    await Promise.all(early);
    expect(struck).toEqual(["freeze"]);
    await Promise.all(members.map(async ({ thaw }) => thaw()));
    expect(struck).toEqual(["freeze", "thaw"]);
  });

  it("does not wait for a member that has ended", async () => {
    const { company, struck, members } = companyOf(2);
    const frozen = members[0]?.freeze();
    company.leave();
    await frozen;
    expect(struck).toEqual(["freeze"]);
  });

  it("tells each member that the disaster did not come off", async () => {
    const company = new Company();
    company.join();
    company.join();
    const fail = company.share("failover", () => Promise.reject(new Error("no leader")));
    const outcomes = await Promise.allSettled([fail(), fail()]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });

  it("leaves each member what is its own", () => {
    const cutLink = (): void => {};
    expect(new Company().share("cutLink", cutLink)).toBe(cutLink);
  });
});

describe("rounds", () => {
  const without = ["failover"] as const;
  const all = areas.flatMap(({ cases }) => cases);

  it("keep the order of the areas where cases run one at a time", () => {
    const rounds = roundsOf(areas, { concurrency: 1, without });
    expect(rounds.map(({ width }) => width)).toEqual([1]);
    expect(rounds[0]?.cases.map(({ claim }) => claim)).toEqual(all);
  });

  it("have each case once", () => {
    const rounds = roundsOf(areas, { concurrency: 4, without });
    const claims = rounds.flatMap(({ cases }) => cases.map(({ claim }) => claim));
    expect(claims).toHaveLength(all.length);
    expect(new Set(claims)).toEqual(new Set(all));
    expect(Math.max(...rounds.map(({ width }) => width))).toBe(4);
  });

  it("let nobody who strikes the server, or needs it for himself, run beside others", () => {
    const [beside, alone, ...companies] = roundsOf(areas, { concurrency: 4, without: [] });
    const strikes = ["freeze", "killServer", "flush", "failover", "cutSubscriptions"] as const;
    const needsOf = beside?.cases.flatMap(({ claim }) => claim.needs ?? []) ?? [];
    expect(needsOf.filter((need) => strikes.some((strike) => strike === need))).toEqual([]);
    expect(beside?.cases.filter(({ claim }) => claim.isAlone)).toEqual([]);
    expect(alone?.width).toBe(1);
    for (const { cases } of companies) {
      expect(new Set(cases.map(({ claim }) => String(claim.needs))).size).toBe(1);
      expect(new Set(cases.map(({ company }) => company)).size).toBe(1);
    }
  });
});
