/** Something a rule found: where, what is wrong, and what to do about it. */
export interface Finding {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly problem: string;
  readonly cure: string;
}

/** `path:line problem. Cure.`, as an editor can open it. */
export function describeFinding({ path, line, problem, cure }: Finding): string {
  return `${path}:${line} ${problem}. ${cure}.`;
}
