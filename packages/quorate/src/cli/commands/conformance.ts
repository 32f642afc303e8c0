/**
 * Conformance: does an engine of the user's keep the contract of the waist?
 *
 * The cases are those that our own engines pass, run without a test framework.
 */
import type { ConformanceReport, missingNeeds, Need, runConformance } from "@quorate/conformance";
import { invalidArgument, type Ms, QuorateError, systemRuntime } from "@quorate/core";
import type { Command, LocalContext } from "../command.ts";
import { type CaseOutcome, CaseRunner } from "../conformance/runner.ts";
import { subjectOf } from "../conformance/subject.ts";

const CASE_TIMEOUT_MS = 60_000;
interface Suite {
  readonly missingNeeds: typeof missingNeeds;
  readonly runConformance: typeof runConformance;
}

/** What the suite puts behind the name of a case that this engine cannot run. */
const GATED_OFF = "[gated off:";
const MISSING: ReadonlySet<unknown> = new Set(["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"]);

/** `quorate conformance <module>`. */
export const conformance: Command = {
  isLocal: true,
  path: ["conformance"],
  args: ["module"],
  summary: "tries an engine of yours against the contract: every case, and which it breaks",
  details:
    "The module exports createBackend(options): a fresh backend on the same store at each call, " +
    "with options.namespace, options.requestTimeoutMs and options.runtime passed on (backend is " +
    "another name for it); or createHarness(), a Harness of @quorate/conformance, which can make " +
    "faults too. Cases that need a fault which is not there are gated off, and counted as such. " +
    "It ends with 1 where a case fails, or where Ctrl-C ended it before all had run. " +
    "docs/write-an-engine.md tells how to write an engine.",
  options: [
    { name: "only", value: "TEXT", summary: "only cases whose `area: name` contains it" },
    { name: "concurrency", value: "N", summary: "cases at once; 1 for scripted time  @default 1" },
    { name: "seed", value: "N", summary: "of random cases, as a failure printed it" },
    { name: "scale", value: "X", summary: "size of crowds, for slow servers  @default 1" },
    { name: "case-timeout", value: "MS", summary: "longest one case may take  @default 60000" },
  ],
  examples: [
    "quorate conformance ./my-engine.mjs",
    "NODE_OPTIONS='--import tsx' quorate conformance ./engine.ts --only leases",
  ],
  async run(context) {
    const [path = ""] = context.args;
    const { missingNeeds: missing, runConformance: declare } = await suite();
    const harness = await subjectOf(path, process.cwd());
    const without = missing(harness);
    const runner = new CaseRunner();
    const report = declare(runner.test, async () => harness, {
      without,
      ...settingsOf(context),
    });
    if (runner.size === 0)
      throw invalidArgument("--only", context.option("only"), "part of a name");
    const outcomes: CaseOutcome[] = [];
    let area = "";
    await runner.run({
      runtime: systemRuntime,
      caseTimeoutMs: numberOf(context, "case-timeout") ?? CASE_TIMEOUT_MS,
      signal: context.terminal.signal,
      onOutcome: (outcome) => {
        outcomes.push(outcome);
        if (outcome.area !== area) context.say(outcome.area);
        area = outcome.area;
        context.say(lineOf(outcome));
      },
    });
    return conclude(context, {
      engine: harness.name,
      without,
      report,
      outcomes,
      planned: runner.size,
    });
  },
};

function lineOf({ failure, name, tookMs }: CaseOutcome): string {
  const took = `${Math.round(tookMs)} ms`;
  if (name.includes(GATED_OFF)) return `  · ${name}`;
  if (failure === undefined) return `  ✓ ${name} (${took})`;
  return [`  ✗ ${name} (${took})`, ...failure.split("\n").map((line) => `      ${line}`)].join(
    "\n",
  );
}

function conclude(
  context: LocalContext,
  ran: {
    readonly engine: string;
    readonly without: readonly Need[];
    readonly report: ConformanceReport;
    readonly outcomes: readonly CaseOutcome[];
    readonly planned: number;
  },
): 0 | 1 {
  const { engine, outcomes, planned, report, without } = ran;
  const failed = outcomes.filter(({ failure }) => failure !== undefined);
  const isWhole = outcomes.length === planned;
  const passed = outcomes.length - failed.length - report.gatedOff.length;
  const counts =
    `${engine}: ${passed} passed, ${failed.length} failed, ` +
    `${report.gatedOff.length} gated off`;
  const lines = [
    "",
    counts,
    ...failed.map(({ area, name }) => `  ✗ ${area}: ${name}`),
    ...(without.length === 0 ? [] : [`not tried: ${without.join(", ")}`]),
    ...(isWhole ? [] : [`stopped: ${outcomes.length} of ${planned} cases ran`]),
    "",
  ];
  const ok = isWhole && failed.length === 0;
  const { gatedOff } = report;
  const value = { ok, engine, planned, passed, failed, gatedOff };
  context.tell({ ...value, without }, lines.join("\n"));
  return ok ? 0 : 1;
}

function settingsOf(context: LocalContext): {
  readonly only?: string;
  readonly concurrency?: number;
  readonly seed?: number;
  readonly scale?: number;
} {
  const only = context.option("only");
  const concurrency = numberOf(context, "concurrency");
  const seed = numberOf(context, "seed");
  const scale = numberOf(context, "scale");
  return {
    ...(only !== undefined && { only }),
    ...(concurrency !== undefined && { concurrency }),
    ...(seed !== undefined && { seed }),
    ...(scale !== undefined && { scale }),
  };
}

function numberOf({ option }: LocalContext, name: string): Ms | undefined {
  const text = option(name);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (text.trim() !== "" && Number.isFinite(number) && number >= 0) return number;
  throw invalidArgument(`--${name}`, text, "a number");
}

/** The suite, which a service has no use for, and so is not installed with `quorate`. */
async function suite(): Promise<Suite> {
  try {
    return await import("@quorate/conformance");
  } catch (error) {
    if (!MISSING.has((error as { code?: unknown } | undefined)?.code)) throw error;
    const install = "npm install --save-dev @quorate/conformance";
    throw new QuorateError(
      "UNSUPPORTED",
      `@quorate/conformance is not installed; run: ${install}`,
      {
        effect: "none",
        details: { feature: "@quorate/conformance" },
      },
    );
  }
}
