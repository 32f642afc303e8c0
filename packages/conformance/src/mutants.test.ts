import { systemRuntime } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";
import { memoryHarness } from "../../memory/src/harness.fixture.ts";
import type { Harness, HarnessFaults, TestApi } from "./harness.ts";
import { ofBus } from "./mutants/bus.fixture.ts";
import { ofKv } from "./mutants/kv.fixture.ts";
import { ofLeases } from "./mutants/leases.fixture.ts";
import { runConformance } from "./suite.ts";

/** Every defect that the suite must find. */
const mutants = [...ofKv, ...ofLeases, ...ofBus];

/** Real time after which a case counts as stuck, and so as failed. */
const STUCK_MS = 3_000;

/** Runs an area on a harness until the first case fails; its name, and why. */
async function firstFailure(harness: Harness, area: string): Promise<string | undefined> {
  const cases: { name: string; body: () => Promise<void> }[] = [];
  const collector: TestApi = {
    describe: (_name, body) => body(),
    it: (name, body) => void cases.push({ name, body }),
    afterAll: () => {},
  };
  const without = ["failover"] as const;
  runConformance(collector, async () => harness, { only: `${area}: `, without });
  expect(cases.length).toBeGreaterThan(3);
  for (const { name, body } of cases) {
    const failure = await Promise.race([body().then(() => undefined, String), stuck()]);
    if (failure !== undefined) return `${name}: ${failure}`;
  }
  return undefined;
}

function stuck(): Promise<string> {
  return new Promise((resolve) => {
    systemRuntime.time.setTimer(STUCK_MS, () => resolve("stuck"), { keepAlive: false });
  });
}

/** The memory harness, whose backends all have one defect. */
function mutated(mutate: (typeof mutants)[number]["mutate"]): Harness {
  const harness = memoryHarness(new ScriptedRuntime());
  return { ...harness, open: async (options) => mutate(await harness.open(options)) };
}

describe("the suite finds every defect", () => {
  it.for(mutants)("$name", async ({ area, mutate }) => {
    const failure = await firstFailure(mutated(mutate), area);
    expect(failure).toBeDefined();
    expect(failure).toMatch(/AssertionError/);
  });

  it("and none where there is none", async () => {
    for (const area of new Set(mutants.map((mutant) => mutant.area))) {
      expect(
        await firstFailure(
          mutated((backend) => backend),
          area,
        ),
      ).toBeUndefined();
    }
  });

  it("namespaces that are one and the same", async () => {
    const harness = memoryHarness(new ScriptedRuntime());
    const open: Harness["open"] = (options) => harness.open({ ...options, namespace: "one" });
    expect(await firstFailure({ ...harness, open }, "isolation")).toBeDefined();
  });
});

describe("the suite skips nothing in silence", () => {
  const harness = memoryHarness(new ScriptedRuntime());

  it("fails a case whose fault is neither there nor named", async () => {
    const { loseNextReply: _missing, ...faults } = harness.faults as HarnessFaults;
    const failure = await firstFailure({ ...harness, faults }, "faults");
    expect(failure).toMatch(/lacks loseNextReply/);
  });

  it("fails a gated case whose fault is there after all", async () => {
    const faults = { ...harness.faults, failover: () => {} };
    const failure = await firstFailure({ ...harness, faults }, "revisions");
    expect(failure).toMatch(/failover is there/);
  });

  it("reports what passed, failed and was gated off, by name", async () => {
    const cases: (() => Promise<void>)[] = [];
    const collector: TestApi = {
      describe: (_name, body) => body(),
      it: (_name, body) => void cases.push(body),
    };
    const only = "revisions: ";
    const report = runConformance(collector, async () => harness, { only, without: ["failover"] });
    for (const body of cases) await body();
    expect(report.failed).toEqual([]);
    expect(report.passed).toHaveLength(6);
    expect(report.gatedOff).toEqual([
      { name: "revisions: grow over a failover", why: "this set-up has no failover" },
    ]);
  });
});
