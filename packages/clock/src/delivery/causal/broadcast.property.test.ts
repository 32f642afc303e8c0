/** FIFO and causal broadcast on random networks: drop, duplicate, reorder, delay, relay. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { CALM, STORM } from "../network.fixture.ts";
import { Group, type Order } from "./broadcast.fixture.ts";

const seeds = fc.integer({ min: 1, max: 1_000_000 });
const counts = fc.integer({ min: 2, max: 5 });

describe.each<Order>(["fifo", "causal"])("%s broadcast", (order) => {
  it("delivers everything once and in the order of each sender after any storm", () => {
    fc.assert(
      fc.property(seeds, counts, (seed, count) => {
        const group = new Group(order, seed, count, STORM);
        group.chat(40);
        group.net.weather = CALM;
        group.net.run(30_000);
        expect(group.fifoBroken()).toEqual([]);
        expect(group.incomplete()).toEqual([]);
        if (order === "causal") expect(group.causalityBroken()).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it("keeps its order with a hold-back buffer that is much too small, and loses nothing", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const group = new Group(order, seed, 4, STORM);
        for (const member of group.members) group.open(member, group.members, { holdBackMax: 2 });
        group.chat(40);
        group.net.weather = CALM;
        group.net.run(120_000);
        expect(group.fifoBroken()).toEqual([]);
        expect(group.incomplete()).toEqual([]);
        if (order === "causal") expect(group.causalityBroken()).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  it("heals over a third when two members cannot hear each other at all", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const group = new Group(order, seed, 3, STORM);
        const [a, b] = group.members;
        group.net.filter = (from, to) => !((from === a && to === b) || (from === b && to === a));
        group.chat(30);
        group.net.weather = CALM;
        group.net.run(60_000);
        expect(group.fifoBroken()).toEqual([]);
        expect(group.incomplete()).toEqual([]);
        if (order === "causal") expect(group.causalityBroken()).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });
});
