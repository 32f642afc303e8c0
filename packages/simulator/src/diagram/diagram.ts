/**
 * A space-time diagram of a run, as one HTML file that needs nothing else.
 *
 * One column per node, time downwards. Messages are arrows from sending to arrival, lost ones end
 * in a cross half way; faults are bars, what happened at a node are dots with a text to point at,
 * the violation is a line across. Below, a table says the same in text. It opens from a disk.
 *
 * Guarantees: pure, text in and text out; all that comes from the run is escaped, so a process
 * named like a script is shown, not run; the page forbids itself every request by its policy; the
 * size is bounded by `maxEntries`. Does not guarantee a whole picture: a long run shows its end.
 *
 * Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System", CACM 21(7), 1978.
 */
import { knownOptions, positiveInteger } from "@quorate/core";
import { describeFault, type FaultPlan } from "../kernel/faults.ts";
import type { Violation } from "../kernel/kernel.ts";
import type { TraceEntry } from "../kernel/witness.ts";
import { draw } from "./drawing.ts";
import { escapeHtml } from "./escape.ts";
import { layOut } from "./layout.ts";
import { PAGE_SCRIPT } from "./page-script.ts";
import { PAGE_STYLE } from "./page-style.ts";

/** What is drawn: a `Failure`, or the result of a run with a trace. */
export interface DiagramInput {
  readonly seed: string;
  readonly plan: FaultPlan;
  readonly trace: readonly TraceEntry[];
  readonly violation?: Violation;
  /** Of a failure that was shrunk: its trace is of these faults. */
  readonly shrunken?: { readonly plan: FaultPlan; readonly violation: Violation };
}

/** How it is drawn. */
export interface DiagramOptions {
  /** Entries of the trace, the last ones. @default 2000 */
  readonly maxEntries?: number;
  /** @default the seed */
  readonly title?: string;
}

const LONGEST_TEXT = 1_000;

/**
 * The diagram as an HTML document.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be.
 *
 * @example
 * const world = (sim: World) => {
 *   sim.process("worker", { main: (process) => process.sleep(10) });
 * };
 * const run = await runOnce({ seed: 1, durationMs: 1_000, traceLines: 500, world });
 * console.log(spaceTimeDiagram(run).startsWith("<!doctype html>")); // => true
 */
export function spaceTimeDiagram(run: DiagramInput, options: DiagramOptions = {}): string {
  knownOptions("options", options, ["maxEntries", "title"]);
  const max = positiveInteger("maxEntries", options.maxEntries ?? 2_000);
  const { plan, violation } = run.shrunken ?? run;
  const entries = run.trace.slice(-max);
  const title = escapeHtml(options.title ?? `seed ${run.seed}`);
  const said =
    violation === undefined
      ? "Every claim held."
      : escapeHtml(`"${violation.claim}" failed at ${violation.atMs} ms: ${violation.message}`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${title}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<h1>${title}</h1>
<p class="${violation === undefined ? "held" : "failed"}">${said}</p>
${faultList(plan)}
${CONTROLS}
<div class="scroll" tabindex="0" role="region" aria-label="Diagram">
${draw(layOut(entries, plan, violation))}
</div>
<p>${LEGEND}</p>
<details>
<summary>The same as text: the last ${entries.length} of ${run.trace.length} lines</summary>
${table(entries)}
</details>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

const LEGEND =
  "Arrows: messages; dashed with a cross: lost; dotted: not arrived by the end. Bars: faults. " +
  "Dots: what happened at a node; point at anything for its text. Ctrl and wheel: zoom.";

const CONTROLS = `<form id="window" hidden>
<label>from <input name="from" type="number" step="any"> ms</label>
<label>to <input name="to" type="number" step="any"> ms</label>
<button type="submit">show</button>
<button type="button" data-action="closer">closer</button>
<button type="button" data-action="wider">wider</button>
<button type="button" data-action="earlier">earlier</button>
<button type="button" data-action="later">later</button>
<button type="button" data-action="whole">all</button>
</form>`;

const SHOWN_FAULTS = 200;

function faultList(plan: FaultPlan): string {
  const shown = plan.slice(-SHOWN_FAULTS);
  const lines = shown.map((one) => `<li>${one.atMs} ms ${escapeHtml(describeFault(one))}</li>`);
  const few = shown.length < plan.length ? `, the last ${shown.length} shown` : "";
  return `<details><summary>Faults: ${plan.length}${few}</summary>
<ol>${lines.join("\n")}</ol></details>`;
}

function table(entries: readonly TraceEntry[]): string {
  const rows = entries.map(({ atMs, node, kind, text, peer = "" }) => {
    const kindName = escapeHtml(kind);
    const cells = [node === "" ? "world" : node, kind, text.slice(0, LONGEST_TEXT), peer];
    const texts = cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join("");
    return `<tr class="${kindName}"><th scope="row">${atMs.toFixed(3)}</th>${texts}</tr>`;
  });
  const heads = ["ms", "where", "what", "text", "other end"];
  const head = heads.map((name) => `<th scope="col">${name}</th>`).join("");
  return `<table><caption>Trace</caption><thead><tr>${head}</tr></thead>
<tbody>
${rows.join("\n")}
</tbody></table>`;
}
