/**
 * Workers that die: killed at every point of a saga, and their successors too.
 */
import { expect, it } from "vitest";

import type { Definition, Halt } from "./protocol.ts";
import { CASES, type Doomed, pairs, PATHS, type Path, remaining, singles } from "./points.ts";
import { RECOVERED_MS, serve, type Site, sleep } from "./site.ts";

const SINGLES = singles();
const PAIRS = pairs();

/** Two workers at one takeover. */
const TIE: Definition = { name: "tie", pivot: true };
const AT_TIE: Halt = { id: "tie", after: 0, before: "next" };

/** One definition per path; those of pairs are others, for workers of their own. */
const nameOf = ({ path, thenAfter }: Doomed): string =>
  thenAfter === undefined ? path.name : `${path.name}-twice`;
const definitions = (suffix: string): Definition[] =>
  PATHS.map(({ name, pivot }) => ({ name: `${name}${suffix}`, pivot }));

const ids = (doomed: readonly Doomed[]): string[] => doomed.map(({ id }) => id);

function firstHalt({ id, after }: Doomed): Halt {
  return { id, after, before: after === 0 ? "next" : "answer" };
}

/** Where it stands then. */
function firstPoint({ path, after }: Doomed): string {
  return path.operations[Math.max(0, after - 1)] ?? "";
}

/** A takeover whose answer is withheld would hold up its batch: it stands at what follows. */
function secondHalt({ id, thenAfter = 0 }: Doomed): Halt {
  return { id, after: thenAfter, before: thenAfter === 1 ? "next" : "answer" };
}

function secondPoint({ path, after, thenAfter = 0 }: Doomed): string {
  return remaining(path, after)[Math.max(1, thenAfter - 1)] ?? "";
}

const told = ({ end }: Path): string => (end === "done" ? "done" : "SAGA_COMPENSATED");

/** The claims. */
export function killed(site: () => Site): void {
  const killedMs = { first: 0 };

  it(`stand at ${SINGLES.length} points of a saga, and are killed there`, async () => {
    const { first, second, owner, other } = site();
    serve([owner, other], ...definitions(""));
    serve([second], ...definitions("-twice"));
    serve([first], ...definitions(""), ...definitions("-twice"), TIE);
    const all = [...SINGLES, ...PAIRS];
    first.order({ kind: "halt", halts: [...all.map(firstHalt), { ...AT_TIE, after: 2 }] });
    const input = { refuses: "" };
    first.order({ kind: "run", definition: TIE.name, sagas: [{ id: AT_TIE.id, input }] });
    second.order({ kind: "halt", halts: PAIRS.map(secondHalt) });
    for (const one of all) {
      const input = { refuses: one.path.refuses };
      first.order({ kind: "run", definition: nameOf(one), sagas: [{ id: one.id, input }] });
    }
    const halted = await first.hearsOfAll("halted", ids(all));
    expect(halted.map(({ id, at }) => [id, at])).toEqual(
      all.map((one) => [one.id, firstPoint(one)]),
    );
    const refused = SINGLES.filter(({ path }) => path.name === "refused");
    for (const [after, what] of CASES) {
      expect(
        refused.some((one) => one.after === after),
        what,
      ).toBe(true);
    }
    first.kill();
    killedMs.first = performance.now();
  });

  it("have all their sagas ended within their lease and a second, once or not at all", async () => {
    const { owner, other } = site();
    // The callers ask again, as they should: one of them for a saga that was never created.
    for (const [index, one] of SINGLES.entries()) {
      const sagas = [{ id: one.id, input: { refuses: one.path.refuses } }];
      const worker = index % 2 === 0 ? owner : other;
      worker.order({ kind: "run", definition: nameOf(one), sagas });
    }
    const even = SINGLES.filter((_, index) => index % 2 === 0);
    const odd = SINGLES.filter((_, index) => index % 2 === 1);
    const heard = await Promise.all([
      owner.hearsOfAll("told", ids(even)),
      other.hearsOfAll("told", ids(odd)),
    ]);
    const tookMs = performance.now() - killedMs.first;
    const ends = new Map(heard.flat().map(({ id, how }) => [id, how]));
    const states = await site().states();
    for (const { id, path } of SINGLES) {
      expect([id, ends.get(id), states.get(id)]).toEqual([id, told(path), path.end]);
      expect(await site().problemOf(id, states.get(id))).toBe("");
    }
    expect(tookMs).toBeLessThan(RECOVERED_MS);
  });
}

/** The claims about their successors. */
export function succeeded(site: () => Site): void {
  it(`end well when the successor is killed too, at each of ${PAIRS.length} points`, async () => {
    const { second, owner, other } = site();
    const halted = await second.hearsOfAll("halted", ids(PAIRS));
    expect(halted.map(({ id, at }) => [id, at])).toEqual(
      PAIRS.map((one) => [one.id, secondPoint(one)]),
    );
    serve([owner, other], ...definitions("-twice"));
    await sleep(50);
    second.kill();
    const killedAtMs = performance.now();
    const states = await site().ended(ids(PAIRS));
    const tookMs = performance.now() - killedAtMs;
    expect(PAIRS.map(({ id }) => [id, states.get(id)])).toEqual(
      PAIRS.map(({ id, path }) => [id, path.end]),
    );
    const problems = await Promise.all(PAIRS.map(({ id }) => site().problemOf(id, states.get(id))));
    expect(problems.filter((problem) => problem !== "")).toEqual([]);
    expect(tookMs).toBeLessThan(RECOVERED_MS);
  });

  it("[13] let one of two take over that write at the same moment", async () => {
    const { owner, other } = site();
    const both = [owner, other];
    for (const worker of both) worker.order({ kind: "halt", halts: [AT_TIE] });
    serve(both, TIE);
    await Promise.all(both.map((worker) => worker.hears("halted", ({ id }) => id === "tie")));
    for (const worker of both) worker.order({ kind: "release", id: "tie" });
    const taken = both.map((worker) => worker.hears("takeover", ({ id }) => id === "tie"));
    const won = (await Promise.all(taken)).map((one) => one.won);
    expect(new Set(won)).toEqual(new Set([false, true]));
    const states = await site().ended(["tie"]);
    expect(await site().problemOf("tie", states.get("tie"))).toBe("");
    expect(states.get("tie")).toBe("done");
  });
}
