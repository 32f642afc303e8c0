import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// Tests run on the sources of every package: no build beforehand, and a failure names a source line.
// Without "module": Node is given them too, and what stands there is for bundlers.
const conditions = ["@quorate/source", "node", "development|production"];

/** What takes longest, by its end of path: begun first, so that nothing long is left for last. */
const LONGEST = [
  "/nats-conformance-r3.test.ts",
  "/zoo.test.ts",
  "/slice.test.ts",
  "/faults/members.test.ts",
  "/docs.test.ts",
  "/nats-cluster.test.ts",
  "/checkout.test.ts",
  "/five-minutes.test.ts",
  "/packed-nodes.test.ts",
  "/pack.test.ts",
  "/commands-live.test.ts",
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

/** Units without a server, a child or a patched global: they share a process, and its imports. */
const SHARED = [
  "clock,conformance,core,cron,discovery,election,http,idempotency,lock,membership,memory",
  "resilience,ring,rpc,transaction",
].join(",");
const UNITS = `packages/{${SHARED}}/src/**/*.test.ts`;

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      { extends: true, test: { name: "units", include: [UNITS], isolate: false } },
      {
        extends: true,
        test: {
          name: "whole",
          include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: [UNITS],
        },
      },
    ],
    reporters: ["default", "./scripts/reporter.mjs"],
    // But for the units a process per file: a test that pauses the event loop or leaks a handle
    // hurts only itself.
    pool: "forks",
    // Most of what runs longest waits for servers, leases and clocks: three share two cores well.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    testTimeout: 20_000,
    hookTimeout: 60_000,
    expect: { requireAssertions: true },
  },
});
