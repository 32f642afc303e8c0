import { systemRuntime } from "@quorate/core";
import { once } from "node:events";
import { expect, it } from "vitest";

import type { Layer, Rank } from "./layer.ts";
import { warnOfOrder } from "./order.ts";

const layer = (rank: Rank): Layer => ({
  kind: "guard",
  rank,
  runtime: systemRuntime,
  enter: () => undefined,
  succeed: () => {},
  fail: () => {},
  cancel: () => {},
});

it("says nothing of the safe order, with timeouts anywhere", async () => {
  const warnings: unknown[] = [];
  const listener = (warning: unknown) => warnings.push(warning);
  process.on("warning", listener);
  const safe: Rank[] = ["timeout", "fallback", "timeout", "loop", "breaker", "limit", "timeout"];
  warnOfOrder(safe.map(layer));
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", listener);
  expect(warnings).toEqual([]);
});

it("warns, with the reason, of a breaker outside a retry", async () => {
  const warned = once(process, "warning");
  warnOfOrder([layer("breaker"), layer("loop"), layer("loop")]);
  const [warning] = (await warned) as [Error & { code: string }];
  expect(warning.code).toBe("QUORATE_POLICY_ORDER");
  expect(warning.message).toMatch(/breaker outside loop: the breaker sees one outcome/);
});
