import { defineConfig } from "vitest/config";

// Tests run on the sources of every package: no build beforehand, and a failure names a source line.
const conditions = ["@quorate/source", "module", "node", "development|production"];

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
    testTimeout: 20_000,
    hookTimeout: 60_000,
    expect: { requireAssertions: true },
  },
});
