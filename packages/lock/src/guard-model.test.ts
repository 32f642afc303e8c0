/**
 * Model check of the guard: processes read, change and write one set, each under a lock that has
 * been lost to the next at any step, in thousands of seeded orders. No acknowledged change may be
 * lost. The test of the test: refusing on write alone does lose some, and this finds it.
 */
import { isQuorateError } from "@quorate/core";
import { seededRandom } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";
import { FenceStore } from "./fence-store.ts";
import type { TokenHolder } from "./fenced.ts";
import { createGuard } from "./guard.ts";
import { StepwiseKv } from "./stepwise-kv.fixture.ts";

const CLIENTS = 5;
const SCHEDULES = 1_500;

const setOf = (bytes: Uint8Array | undefined): string[] =>
  bytes === undefined || bytes.byteLength === 0 ? [] : Buffer.from(bytes).toString().split(",");

/** The worst holder: paused right after its last check, it believes in itself for ever. */
function deludedHolder(fencingToken: number): TokenHolder {
  return { fencingToken, check: () => fencingToken };
}

type Change = (world: StepwiseKv, holder: TokenHolder, element: string) => Promise<void>;

const withOpen: Change = async (world, holder, element) => {
  const fenced = await createGuard(world.kv).open(holder, "set");
  const set = setOf(await fenced.read());
  await fenced.write([...set, element].join(","));
};

/** What everybody does who read half of the literature: the token is checked on write only. */
const withoutOpen: Change = async (world, holder, element) => {
  const store = new FenceStore(world.kv);
  const set = setOf((await store.read("fence/set"))?.payload);
  const payload = Buffer.from([...set, element].join(","));
  const result = await store.advance("fence/set", holder.fencingToken, payload);
  if (!result.ok) throw new Error("refused");
};

/** One schedule: the elements whose write was acknowledged, but which are not in the set. */
async function lostIn(seed: number, native: boolean, change: Change): Promise<string[]> {
  const random = seededRandom(seed);
  const world = new StepwiseKv(native);
  const acknowledged: string[] = [];
  let tokens = 0;
  const client = async (element: string): Promise<void> => {
    await world.step(); // The grant: from here on all earlier holders are stale, and do not know.
    tokens += 1;
    try {
      await change(world, deludedHolder(tokens), element);
      acknowledged.push(element);
    } catch (error) {
      if (isQuorateError(error) && error.effect !== "none") throw error;
    }
  };
  const clients = Array.from({ length: CLIENTS }, (_, index) => client(`e${index}`));
  await world.play(random, clients);
  await Promise.all(clients);
  const stored = world.stored("fence/set")?.subarray(16);
  const set = setOf(stored);
  return acknowledged.filter((element) => !set.includes(element));
}

async function schedulesThatLose(native: boolean, change: Change): Promise<number[]> {
  const losing: number[] = [];
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    if ((await lostIn(seed, native, change)).length > 0) losing.push(seed);
  }
  return losing;
}

describe.each([
  ["natively fenced", true],
  ["compare-and-set", false],
])("the guard over a %s kv", (_, native) => {
  it(`loses no acknowledged change in ${SCHEDULES} schedules, seeds 1 and up`, async () => {
    expect(await schedulesThatLose(native, withOpen)).toEqual([]);
  });

  it("would lose changes without open(): the test finds what it looks for", async () => {
    const losing = await schedulesThatLose(native, withoutOpen);
    expect(losing.length).toBeGreaterThan(SCHEDULES / 3);
  });
});
