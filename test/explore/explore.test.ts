/**
 * Our engine under every schedule of a small budget, and the seven ways to be wrong: each that is
 * wrong must be found. The whole budget takes minutes: `test/explore/main.ts --full`.
 */
import { describe, expect, it } from "vitest";

import { bundle, explored } from "./hunt.ts";
import { type Column, COLUMNS, VARIANTS } from "./mutants.ts";

const TIMEOUT_MS = 120_000;

const single = COLUMNS.filter(({ isWhole }) => isWhole !== true);

describe.each(VARIANTS.map((variant) => [variant.key, variant] as const))("%s", (key, variant) => {
  const claim = variant.isWrong ? "is caught" : "has no way to fail";

  it(
    `${claim}: ${variant.story}`,
    async () => {
      const program = await bundle(variant);
      let violations = 0;
      for (const { budget } of variant.isWrong ? enough(key) : single) {
        const sighting = await explored(program, variant, budget);
        expect(sighting).toMatchObject({ exhausted: true });
        violations += sighting.violations;
      }
      expect(violations > 0).toBe(variant.isWrong);
    },
    TIMEOUT_MS,
  );
});

describe("A turns back where ours goes on", () => {
  it(
    "so it is safe, and costs sagas that would have come through",
    async () => {
      const [late] = single;
      const undone: Record<string, number> = {};
      for (const variant of VARIANTS.filter(({ key }) => key === "ours" || key === "A")) {
        const program = await bundle(variant);
        const sighting = await explored(program, variant, late?.budget ?? {});
        undone[variant.key] = sighting.compensated;
      }
      expect(undone["ours"]).toBe(0);
      expect(undone["A"]).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});

/** The kind of fault that catches it: the rest of the table is the script's. */
function enough(key: string): readonly Column[] {
  const title =
    { B: "late", C: "late", D: "zombie", E: "late", F: "crash", G: "zombie" }[key] ?? "";
  return single.filter((column) => column.title.startsWith(`${title} 1, refusal`));
}
