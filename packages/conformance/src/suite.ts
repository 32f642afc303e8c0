/**
 * The conformance suite: what an engine must do to call itself one, as tests.
 *
 * Handed a test framework's `describe` and `it` and a way to make a harness, it registers one test
 * per case. Cases run one after another on one store, each below its own names. A case that this
 * set-up cannot run stays in the list, with the reason in its name, and fails should the fault be
 * there after all.
 */
import { strict as assert } from "node:assert";
import { systemRuntime } from "@quorate/core";
import { areas } from "./areas.ts";
import { type Area, type Case, CaseContext, GatedOff } from "./case.ts";
import type { ConformanceOptions, ConformanceReport, Harness, Need, TestApi } from "./harness.ts";

interface Run {
  readonly test: TestApi;
  readonly options: ConformanceOptions;
  readonly report: {
    readonly passed: string[];
    readonly failed: string[];
    readonly gatedOff: { name: string; why: string }[];
  };
  readonly harness: () => Promise<Harness>;
  readonly seed: number;
}

/**
 * Registers every case of the waist's contract with `test`.
 *
 * The report fills as the cases run: read it in an `afterAll` of your own.
 *
 * @example
 * import { afterAll, describe, it } from "vitest";
 * import { runConformance } from "@quorate/conformance";
 * declare const createHarness: Parameters<typeof runConformance>[1];
 * runConformance({ describe, it, afterAll }, createHarness, { without: ["failover"] });
 */
export function runConformance(
  test: TestApi,
  createHarness: () => Promise<Harness>,
  options: ConformanceOptions = {},
): ConformanceReport {
  let opened: Promise<Harness> | undefined;
  const harness = (): Promise<Harness> => (opened ??= createHarness());
  const report: Run["report"] = { passed: [], failed: [], gatedOff: [] };
  const seed = options.seed ?? Math.floor(systemRuntime.random.next() * 2 ** 32);
  const run: Run = { test, options, report, harness, seed };

  for (const area of areas) {
    const chosen = area.cases.filter(({ name }) => `${area.name}: ${name}`.includes(only(options)));
    if (chosen.length > 0) registerArea(run, { ...area, cases: chosen });
  }

  const close = async (): Promise<void> => (await opened)?.close();
  if (test.afterAll === undefined) test.it("closes the harness", close);
  else test.afterAll(close);
  return report;
}

function only(options: ConformanceOptions): string {
  return options.only ?? "";
}

function registerArea(run: Run, area: Area): void {
  run.test.describe(area.name, () => {
    for (const claim of area.cases) {
      const missing = (claim.needs ?? []).filter((need) => run.options.without?.includes(need));
      const name = `${area.name}: ${claim.name}`;
      if (missing.length === 0) run.test.it(claim.name, () => runCase(run, name, claim));
      else registerGated(run, claim, name, missing);
    }
  });
}

/** Passes only if what the options deny is indeed not there. */
function registerGated(run: Run, claim: Case, name: string, missing: readonly Need[]): void {
  const why = `this set-up has no ${missing.join(", ")}`;
  run.test.it(`${claim.name} [gated off: ${why}]`, async () => {
    const harness = await run.harness();
    run.report.gatedOff.push({ name, why });
    for (const need of missing) {
      assert(!has(harness, need), `${need} is there: take it out of \`without\``);
    }
  });
}

async function runCase(run: Run, name: string, claim: Case): Promise<void> {
  const harness = await run.harness();
  for (const need of claim.needs ?? []) {
    assert(has(harness, need), `${harness.name} lacks ${need}: name it in \`without\``);
  }
  const { scale = 1 } = run.options;
  const context = new CaseContext(harness, { seed: run.seed, scale });
  try {
    await claim.run(context);
    run.report.passed.push(name);
  } catch (error) {
    if (!(error instanceof GatedOff)) {
      run.report.failed.push(name);
      if (error instanceof Error) error.message += ` [seed ${run.seed}]`;
      throw error;
    }
    run.report.gatedOff.push({ name, why: error.message });
  } finally {
    await context.dispose();
  }
}

function has(harness: Harness, need: Need): boolean {
  if (need === "serverResources") return harness.serverResources !== undefined;
  return harness.faults?.[need] !== undefined;
}
