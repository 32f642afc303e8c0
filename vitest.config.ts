import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// Tests run on the sources of every package: no build beforehand, and a failure names a source line.
const conditions = ["@quorate/source", "module", "node", "development|production"];

/** What takes longest, by its end of path: begun first, so that nothing long is left for last. */
const LONGEST = [
  "/nats-conformance-r3-2.10.test.ts",
  "/zoo.test.ts",
  "/nats-conformance-r3-2.15.test.ts",
  "/slice.test.ts",
  "/faults/members.test.ts",
  "/docs.test.ts",
  "/nats-cluster.test.ts",
  "/checkout.test.ts",
  "/pack.test.ts",
  "/fleet.test.ts",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = LONGEST.findIndex((end) => moduleId.endsWith(end));
      return index < 0 ? LONGEST.length : index;
    };
    return (await super.sort(files)).toSorted((left, right) => rank(left) - rank(right));
  }
}

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"],
    reporters: ["default", "./scripts/reporter.mjs"],
    // A process per file: a test that pauses the event loop or leaks a handle hurts only itself.
    pool: "forks",
    // Most of what runs longest waits for servers, leases and clocks: three share two cores well.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    testTimeout: 20_000,
    hookTimeout: 60_000,
    expect: { requireAssertions: true },
  },
});
