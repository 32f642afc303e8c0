import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";
import { HashRing } from "../hash-ring.ts";

it("draws the picture in docs/placement.md; vitest -u draws it anew", async () => {
  const before = HashRing.of(["cache-1", "cache-2", "cache-3", "cache-4"], { points: 40 });
  const after = before.with({ id: "cache-5", weight: 2 }).without("cache-2");
  const file = fileURLToPath(new URL("../../../../docs/placement-plan.svg", import.meta.url));
  await expect(before.plan(after).toSvg()).toMatchFileSnapshot(file);
});
