/** Compares what a program printed with what a page says, where `…` stands for what differs. */

/**
 * Whether `printed` is what `expected` says: line by line, blanks at ends and their number within a
 * line left out. A `…` stands for any text within its line; a line of nothing else, for any lines.
 */
export function isAsWritten(expected: string, printed: string): boolean {
  return fits(linesOf(expected), linesOf(printed));
}

function linesOf(text: string): string[] {
  const lines = text.trim().split("\n");
  return lines.map((line) => line.trim().replaceAll(/\s+/g, " "));
}

function fits(expected: readonly string[], printed: readonly string[]): boolean {
  const [first, ...rest] = expected;
  if (first === undefined) return printed.length === 0;
  if (first === "…") {
    for (let skipped = 0; skipped <= printed.length; skipped++) {
      if (fits(rest, printed.slice(skipped))) return true;
    }
    return false;
  }
  const [line, ...others] = printed;
  return line !== undefined && patternOf(first).test(line) && fits(rest, others);
}

function patternOf(line: string): RegExp {
  const parts = line.split("…").map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}
