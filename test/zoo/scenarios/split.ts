/**
 * Splits without end: one process draws groups, cuts and changes of which one side has not heard,
 * and asks both sides what they would do.
 *
 * No message is sent and nothing fails; the world is here for its seeds and its replay.
 */
import {
  keepMajority,
  keepOldest,
  keepReferee,
  resolveSplit,
  type SplitMember,
  type SplitStanding,
  staticQuorum,
} from "@quorate/membership";

import type { Enclosure } from "../enclosure.ts";

const STRATEGIES = [
  keepMajority(),
  staticQuorum({ size: 2 }),
  staticQuorum({ size: 3 }),
  keepOldest(),
  keepReferee({ id: "n1" }),
];

/** Standing by side; the first member is known to both, and older than all. */
const STANDINGS: readonly (readonly [SplitStanding | undefined, SplitStanding | undefined])[] = [
  ["up", "up"],
  ["up", "up"],
  ["joining", "joining"],
  ["leaving", "leaving"],
  ["joining", "up"],
  ["up", "joining"],
  ["leaving", undefined],
  [undefined, "leaving"],
];

/** One judge. */
export const split: Enclosure = {
  name: "split",
  claim: "of two sides of a cut one stays at most, and mostly one does",
  durationMs: 5_000,
  atLeast: { "one stays": 20 },
  world(sim) {
    sim.process("judge", {
      main: async (process) => {
        const { random } = process.runtime;
        const draw = <T>(choices: readonly T[]): T =>
          choices[Math.floor(random.next() * choices.length)] as T;
        for (;;) {
          await process.sleep(10);
          const strategy = draw(STRATEGIES);
          const size = draw([2, 3, 4, 5]);
          const views: [SplitMember[], SplitMember[]] = [[], []];
          const homes: number[] = [];
          for (let place = 0; place < size; place++) {
            const pair = place === 0 ? (["up", "up"] as const) : draw(STANDINGS);
            const home = draw([0, 1]);
            homes.push(home);
            for (const side of [0, 1] as const) {
              const standing = pair[side];
              if (standing === undefined) continue;
              const reach = home === side ? "reachable" : "unreachable";
              // Ids and ages in different orders.
              views[side].push({ id: `n${4 - place}`, standing, reach, joined: place });
            }
          }
          const staying = views.filter((members) => {
            const self = members.find(({ reach }) => reach === "reachable")?.id;
            if (self === undefined) return false;
            return resolveSplit({ strategy, view: { self, members } }).kind === "downOthers";
          });
          if (staying.length === 1) process.mark("one stays");
          if (staying.length < 2) continue;
          sim.fail("one side stays", `${strategy.kind}, ${homes.join("")}: both stay`);
        }
      },
    });
  },
};
