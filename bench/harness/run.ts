/**
 * The main of a benchmark that needs no server: flags, sections in order, the last line.
 *
 * `--quick` takes fewer rounds, `--only 1,3` some sections, `--markdown` prints markdown at the
 * end, `--write` puts it between the marks `<!-- bench:NAME -->` and `<!-- /bench:NAME -->` of
 * docs/benchmarks.md. The last line is `N held, M missed`; the exit code is 1 if any was missed.
 */
import { parseArgs } from "node:util";

import { nowMs } from "./clock.ts";
import { writeDocument } from "./document.ts";
import { machineLine } from "./machine.ts";
import { type Section, sectionMarkdown, sectionText, summary } from "./report.ts";

/** One claim's measurement. With `quick` it takes a look instead of a figure. */
export type Measure = (options: { readonly quick: boolean }) => Promise<Section>;

/** Runs the benchmark `name` with the flags of the command line. */
export async function runBenchmark(name: string, measures: readonly Measure[]): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      markdown: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      only: { type: "string" },
    },
  });
  const only = flags.only?.split(",").map(Number);
  const startedMs = nowMs();
  const machine = await machineLine();
  // With --markdown, stdout is the document and stderr shows how far it is.
  const show = (text: string): void => (flags.markdown ? console.error(text) : console.log(text));
  show(machine);
  const sections: Section[] = [];
  for (const [index, measure] of measures.entries()) {
    if (only !== undefined && !only.includes(index + 1)) continue;
    const section = await measure({ quick: flags.quick });
    sections.push(section);
    show(sectionText(section));
  }
  const { text, missed } = summary(sections);
  const seconds = Math.round((nowMs() - startedMs) / 1_000);
  const mode = flags.quick ? " with --quick: a look, not a figure" : "";
  const line = `${machine}. ${seconds} s${mode}.`;
  const markdown = [line, ...sections.map(sectionMarkdown), `**${text}**`].join("\n\n");
  if (flags.markdown) console.log(markdown);
  if (flags.write) writeDocument(name, markdown);
  show(`\ntook ${seconds} s${mode}`);
  console.log(text);
  process.exitCode = missed === 0 ? 0 : 1;
}
