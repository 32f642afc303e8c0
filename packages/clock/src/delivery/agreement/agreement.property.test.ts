/** Agreement on random networks, with members that die, are left out, and join, in flight. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { CALM, STORM } from "../network.fixture.ts";
import { AgreeingGroup } from "./agreement.fixture.ts";

const seeds = fc.integer({ min: 1, max: 1_000_000 });

describe("an agreed order, whatever the network does", () => {
  it("is one for all, and loses nothing", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 5 }), (seed, count) => {
        const group = new AgreeingGroup(seed, count, STORM);
        group.chat(30);
        group.net.weather = CALM;
        group.net.run(40_000);
        expect(group.disagreements()).toEqual([]);
        expect(group.delivered.get("a#1")).toHaveLength(30);
      }),
      { numRuns: 25 },
    );
  });

  it("is one for all survivors when members die at any moment", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 2, max: 5 }), (seed, count) => {
        const group = new AgreeingGroup(seed, count, STORM);
        for (const victim of group.view.slice(0, -1)) {
          group.chat(8);
          group.net.crash(victim);
          if (group.net.random.next() < 0.5) group.chat(4);
          group.change(group.view.filter((member) => member !== victim));
        }
        group.net.weather = CALM;
        group.net.run(60_000);
        expect(group.disagreements()).toEqual([]);
        expect(group.stayed).toHaveLength(1);
      }),
      { numRuns: 25 },
    );
  });

  it("is one for three survivors of two deaths, also when views follow each other at once", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const group = new AgreeingGroup(seed, 5, STORM);
        group.chat(15);
        for (const victim of ["b#1", "d#1"]) {
          group.net.crash(victim);
          group.change(group.view.filter((member) => member !== victim));
          group.chat(Math.floor(group.net.random.next() * 6));
        }
        group.chat(10);
        group.net.weather = CALM;
        group.net.run(60_000);
        expect(group.disagreements()).toEqual([]);
        expect(group.stayed).toEqual(["a#1", "c#1", "e#1"]);
      }),
      { numRuns: 25 },
    );
  });

  it("is kept by those who stay when live members are left out and new ones join", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const group = new AgreeingGroup(seed, 4, STORM, { pendingMax: 32 });
        group.chat(15);
        group.open("e#1");
        group.change(["b#1", "c#1", "d#1", "e#1"]);
        group.publish("a#1"); // It may not know yet that it is out.
        group.chat(10);
        group.open("a#2");
        group.change(["a#2", "b#1", "d#1", "e#1"]);
        group.chat(10);
        group.net.weather = CALM;
        group.net.run(60_000);
        expect(group.disagreements()).toEqual([]);
        expect(group.stayed).toEqual(["b#1", "d#1"]);
        const all = group.delivered.get("b#1") ?? [];
        for (const joined of ["e#1", "a#2"]) {
          const theirs = group.delivered.get(joined) ?? [];
          expect(theirs.length).toBeGreaterThan(0);
          expect(theirs).toEqual(all.slice(-theirs.length));
        }
      }),
      { numRuns: 25 },
    );
  });

  it("goes on within bounds that are much too small", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const group = new AgreeingGroup(seed, 3, STORM, { pendingMax: 2, holdBackMax: 3 });
        for (let index = 0; index < 40; index++) {
          for (const member of group.view) {
            const machine = group.net.machines.get(member) as unknown as { pending: number };
            if (machine.pending < 2) group.publish(member);
          }
          group.net.run(Math.floor(group.net.random.next() * 400));
        }
        group.net.weather = CALM;
        group.net.run(60_000);
        expect(group.disagreements()).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });
});
