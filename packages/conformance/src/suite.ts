/**
 * The conformance suite: what an engine must do to call itself one, as tests.
 *
 * Handed a test framework's `describe` and `it` and a way to make a harness, it registers one test
 * per case. Cases run on one store, each below its own names: one after another, or several at once
 * where they leave each other alone. A case that this set-up cannot run stays in the list, with the
 * reason in its name, and fails should the fault be there after all.
 */
import { strict as assert } from "node:assert";
import { positiveInteger, systemRuntime } from "@quorate/core";
import { areas } from "./areas.ts";
import { CaseContext, GatedOff } from "./case.ts";
import { can } from "./harness.ts";
import type { ConformanceOptions, ConformanceReport, Harness, Need, TestApi } from "./harness.ts";
import { Lanes } from "./lanes.ts";
import { type Planned, type Round, roundsOf } from "./rounds.ts";

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
  /** Makes these lanes the ones in use, once those before them are quiet. */
  readonly enter: (lanes?: Lanes) => Promise<void>;
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
  const { only = "", without = [] } = options;
  const concurrency = positiveInteger("concurrency", options.concurrency ?? 1);
  let opened: Promise<Harness> | undefined;
  const harness = (): Promise<Harness> => (opened ??= createHarness());
  let current: Lanes | undefined;
  const enter = async (lanes?: Lanes): Promise<void> => {
    const before = current;
    current = lanes;
    if (before !== lanes) await before?.quiet();
  };
  const report: Run["report"] = { passed: [], failed: [], gatedOff: [] };
  const seed = options.seed ?? Math.floor(systemRuntime.random.next() * 2 ** 32);
  const run: Run = { test, options, report, harness, seed, enter };

  const chosen = areas.map((area) => ({
    ...area,
    cases: area.cases.filter(({ name }) => `${area.name}: ${name}`.includes(only)),
  }));
  for (const round of roundsOf(chosen, { concurrency, without })) registerRound(run, round);

  const close = async (): Promise<void> => {
    await enter();
    await (await opened)?.close();
  };
  if (test.afterAll === undefined) test.it("closes the harness", close);
  else test.afterAll(close);
  return report;
}

/** One test per case, below the names of their areas. */
function registerRound(run: Run, { width, cases }: Round): void {
  const lanes = new Lanes(width);
  for (const area of new Set(cases.map((planned) => planned.area))) {
    run.test.describe(area.name, () => {
      for (const planned of cases.filter((each) => each.area === area)) {
        const outcome = lanes.add(() => runPlanned(run, planned));
        run.test.it(titleOf(run, planned), async () => {
          await run.enter(lanes);
          await outcome();
        });
      }
    });
  }
}

function titleOf(run: Run, { claim }: Planned): string {
  const missing = missingOf(run, claim.needs);
  return missing.length === 0 ? claim.name : `${claim.name} [gated off: ${whyOff(missing)}]`;
}

function missingOf({ options }: Run, needs: readonly Need[] = []): readonly Need[] {
  return needs.filter((need) => options.without?.includes(need));
}

function whyOff(missing: readonly Need[]): string {
  return `this set-up has no ${missing.join(", ")}`;
}

async function runPlanned(run: Run, planned: Planned): Promise<void> {
  const { area, claim, company } = planned;
  const name = `${area.name}: ${claim.name}`;
  const missing = missingOf(run, claim.needs);
  company?.join();
  try {
    if (missing.length === 0) await runCase(run, name, planned);
    else await gateOff(run, name, missing);
  } finally {
    company?.leave();
  }
}

/** Passes only if what the options deny is indeed not there. */
async function gateOff(run: Run, name: string, missing: readonly Need[]): Promise<void> {
  const harness = await run.harness();
  run.report.gatedOff.push({ name, why: whyOff(missing) });
  for (const need of missing) {
    assert(!can(harness, need), `${need} is there: take it out of \`without\``);
  }
}

async function runCase(run: Run, name: string, { claim, company }: Planned): Promise<void> {
  const harness = await run.harness();
  for (const need of claim.needs ?? []) {
    assert(can(harness, need), `${harness.name} lacks ${need}: name it in \`without\``);
  }
  const { scale = 1 } = run.options;
  const context = new CaseContext(harness, { seed: run.seed, scale, company });
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
