/**
 * Puts a benchmark's tables where people read them.
 */
import { readFileSync, writeFileSync } from "node:fs";

const DOCUMENT = new URL("../../docs/benchmarks.md", import.meta.url);

/** Replaces what stands between the marks of the benchmark `name` in docs/benchmarks.md. */
export function writeDocument(name: string, markdown: string): void {
  const [start, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const text = readFileSync(DOCUMENT, "utf8");
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/benchmarks.md has no marks ${start} … ${end}`);
  const head = text.slice(0, from + start.length);
  writeFileSync(DOCUMENT, `${head}\n\n${markdown}\n\n${text.slice(to)}`);
}
