/**
 * What went wrong, as the command line says it: the facts, the cure, the code, the exit code.
 *
 * Guarantees: no password of a URL is shown, whoever threw; with `--json` it is one JSON object on
 * standard error, so that standard output never holds half a value.
 */
import { type ErrorCode, isQuorateError, scrub } from "@quorate/core";
import type { ExitCode } from "./command.ts";

/** What is said of a failure. */
export interface Complaint {
  readonly message: string;
  readonly code: string;
  /** Whether it happened; absent where nothing was asked of a store. */
  readonly effect?: string;
  readonly cure: string;
  readonly exitCode: ExitCode;
}

/** Asked wrongly, or nobody there to ask. */
const NOT_EVEN_BEGUN: ReadonlySet<string> = new Set([
  "INVALID_ARGUMENT",
  "STORE_UNAVAILABLE",
  "TIMEOUT",
  "UNSUPPORTED",
]);

const CURES: Partial<Record<ErrorCode, string>> = {
  INVALID_ARGUMENT: "correct the option or argument that the message names",
  UNSUPPORTED: "do what the message says, then try again",
  STORE_UNAVAILABLE: "check that the server runs and the URL is right; `quorate doctor` tells more",
  TIMEOUT: "try again; if it lasts, `quorate doctor` measures the distance to the server",
  STORE_REFUSED: "change the user's rights or the server's settings; `quorate doctor` names which",
  OUTCOME_UNKNOWN: "look whether it happened before you ask again",
  RECORD_INVALID: "look at the key that the message names: it is not one of ours, or is damaged",
};

/** The complaint about what was thrown. */
export function complaintOf(error: unknown): Complaint {
  if (isQuorateError(error)) {
    const { code, effect } = error;
    return {
      message: scrub(error.message),
      code,
      effect,
      cure: CURES[code] ?? `see docs/errors.md about ${code}`,
      exitCode: NOT_EVEN_BEGUN.has(code) ? 2 : 1,
    };
  }
  const message = scrub(error instanceof Error ? error.message : String(error));
  return {
    message,
    code: "INTERNAL",
    cure: "this is a mistake of ours or of a module that was loaded: please report it",
    exitCode: 1,
  };
}

/** The complaint about words that were not understood. */
export function misuse(problem: string, cure: string): Complaint {
  return { message: scrub(problem), code: "USAGE", cure: scrub(cure), exitCode: 2 };
}

/** As it is written to standard error. */
export function textOf(complaint: Complaint, isJson: boolean): string {
  if (isJson) return `${JSON.stringify({ error: complaint })}\n`;
  const { message, code, effect, cure, exitCode } = complaint;
  const facts = [`code ${code}`, ...(effect === undefined ? [] : [`effect ${effect}`])];
  return `quorate ✗ ${message}\n  ${[...facts, `exit ${exitCode}`].join(", ")}\n  cure: ${cure}\n`;
}
