/** A sequencer's total order on random networks, with sequencers that come and go in flight. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { CALM, STORM } from "../network.fixture.ts";
import { OrderedGroup } from "./sequencer.fixture.ts";

const seeds = fc.integer({ min: 1, max: 1_000_000 });

describe("a sequencer's order, whatever the network does", () => {
  it("is one for all, without gaps and duplicates, and loses nothing", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 5 }), (seed, count) => {
        const group = new OrderedGroup(seed, count, STORM);
        group.lead("a#1", 1);
        group.chat(30, 0);
        group.net.weather = CALM;
        group.net.run(40_000);
        expect(group.problems).toEqual([]);
        for (const texts of group.delivered.values()) expect(texts).toHaveLength(30);
      }),
      { numRuns: 25 },
    );
  });

  it("stays one while sequencers change in flight", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 2, max: 5 }), (seed, count) => {
        const group = new OrderedGroup(seed, count, STORM);
        group.lead("a#1", 1);
        const epoch = group.chat(40, 0.2);
        group.net.weather = CALM;
        group.lead("b#1", epoch + 1);
        group.net.run(60_000);
        expect(group.problems).toEqual([]);
        for (const texts of group.delivered.values()) expect(texts).toHaveLength(40);
      }),
      { numRuns: 25 },
    );
  });

  it("is kept, with all that anybody ever delivered, when a minority dies in flight", () => {
    fc.assert(
      fc.property(seeds, fc.constantFrom(3, 5), (seed, count) => {
        const group = new OrderedGroup(seed, count, STORM);
        group.lead("a#1", 1);
        group.chat(20, 0.1);
        const dead = group.members.slice(0, Math.floor(count / 2));
        for (const member of dead) group.net.crash(member);
        const last = group.members.at(-1) as string;
        group.lead(last, 1_000);
        group.chat(20, 0.1, 1_000);
        group.net.weather = CALM;
        group.lead(last, 2_000);
        group.net.run(60_000);
        expect(group.problems).toEqual([]);
        // Every survivor has all that was ever delivered, and all that survivors sent.
        const survivors = [...group.net.machines.keys()];
        const sent = [...group.causes.keys()].filter((text) =>
          survivors.some((member) => text.startsWith(member)),
        );
        for (const member of survivors) {
          const texts = group.delivered.get(member) ?? [];
          expect(texts).toHaveLength(group.places.length);
          expect(texts).toEqual(expect.arrayContaining(sent));
        }
      }),
      { numRuns: 25 },
    );
  });

  it("is kept when views change members, and who joins has the rest of it", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const group = new OrderedGroup(seed, 3, STORM);
        group.lead("a#1", 1);
        group.chat(15, 0.1);
        const next = ["b#1", "c#1", "d#1", "e#1"];
        for (const self of ["d#1", "e#1"]) group.open(self, group.members);
        group.lead("b#1", 1_000, next);
        group.chat(5, 0, 1_000);
        group.net.weather = CALM;
        group.net.run(30_000);
        group.net.crash("a#1");
        group.net.crash("b#1");
        group.lead("d#1", 2_000, next.slice(1));
        group.net.run(30_000);
        group.publish("e#1", "e#1:last");
        group.net.run(10_000);
        expect(group.problems).toEqual([]);
        for (const self of ["c#1", "d#1", "e#1"]) {
          expect(group.delivered.get(self)?.at(-1)).toBe("e#1:last");
          expect(group.net.of(self, "deliver").at(-1)?.seq).toBe(group.places.length);
        }
        const [entered] = group.net.of("e#1", "entered");
        expect(group.net.of("e#1", "deliver")[0]?.seq).toBe(entered?.from);
      }),
      { numRuns: 25 },
    );
  });

  it("needs no more room than its bounds, and goes on in them", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const options = { pendingMax: 64, windowMax: 4, holdBackMax: 4 };
        const group = new OrderedGroup(seed, 3, STORM, options);
        group.lead("a#1", 1);
        const epoch = group.chat(30, 0.1);
        group.net.weather = CALM;
        group.lead("c#1", epoch + 1);
        group.net.run(120_000);
        const others = group.problems.filter((problem) => !problem.includes("left behind"));
        expect(others).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });
});
