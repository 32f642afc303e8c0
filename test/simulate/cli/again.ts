/**
 * One seed again, with its trace on the screen and, where asked, its diagram in a file.
 */
import { writeFileSync } from "node:fs";
import {
  describeFault,
  type DiagramInput,
  type EngineName,
  formatEntry,
  runOnce,
  type RunResult,
  shrink,
  spaceTimeDiagram,
} from "@quorate/simulator";

import { type Choice, setupOf } from "./choice.ts";
import { optionsFor } from "./options-for.ts";

const SHOWN_LINES = 60;
const KEPT_LINES = 5_000;

/** Plays `seed` again. The exit code: 1 if it fails. */
export async function again(choice: Choice, engine: EngineName, seed: string): Promise<number> {
  const { scenario, profile } = choice;
  const { shrink: _, ...options } = optionsFor(setupOf(choice, engine));
  const traced = { ...options, seed, traceLines: KEPT_LINES };
  let result = await runOnce(traced);
  const { violation, plan } = result;
  if (choice.shrink && violation !== undefined) {
    const shrunken = await shrink(options, { seed, plan, violation });
    console.log(`${shrunken.plan.length} of ${plan.length} faults suffice (${shrunken.runs} runs)`);
    result = await runOnce({ ...traced, plan: shrunken.plan });
  }
  print(result, `${scenario.name} on ${engine}, ${profile}, seed ${seed}`);
  if (choice.html !== undefined) write(choice.html, result);
  return result.violation === undefined ? 0 : 1;
}

function print({ plan, trace, violation, hash, simulatedMs }: RunResult, title: string): void {
  console.log(title);
  for (const fault of plan) console.log(`  ${fault.atMs} ms ${describeFault(fault)}`);
  console.log(`last ${Math.min(SHOWN_LINES, trace.length)} of ${trace.length} lines kept:`);
  for (const entry of trace.slice(-SHOWN_LINES)) console.log(`  ${formatEntry(entry)}`);
  const verdict =
    violation === undefined
      ? "every claim held"
      : `"${violation.claim}" failed at ${violation.atMs} ms: ${violation.message}`;
  console.log(`\n${verdict}; ${Math.round(simulatedMs)} ms simulated, hash ${hash}`);
}

/** Writes the diagram of a run. */
export function write(file: string, run: DiagramInput): void {
  writeFileSync(file, spaceTimeDiagram(run));
  console.log(`diagram: ${file}`);
}
