import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { ScriptedRuntime } from "@quorate/core/testing";
import { expect, it } from "vitest";

import { type Breaker, breaker } from "./breaker.ts";

const COUNT = 10_000;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function heapBytes(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

it("case 45: weighs at most 1 KB, used, and has no timer while idle", async () => {
  const runtime = new ScriptedRuntime();
  const work = (): number => 42;
  const kept: Breaker[] = Array.from({ length: COUNT });
  await breaker({ runtime }).run(work); // What all share is made once.
  const beforeBytes = heapBytes();
  for (let index = 0; index < COUNT; index++) {
    const one = breaker({ name: "billing", runtime });
    await one.run(work);
    kept[index] = one;
  }
  const bytesEach = (heapBytes() - beforeBytes) / COUNT;
  expect(bytesEach).toBeLessThanOrEqual(1_024);
  expect(runtime.pendingTimers).toBe(0);
  expect(kept.at(-1)?.state).toBe("closed");
}, 30_000);
