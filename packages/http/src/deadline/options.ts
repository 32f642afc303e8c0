/**
 * Options of deadlines: which header, and between which bounds.
 */
import {
  invalidArgument,
  inRange,
  knownOptions,
  type Ms,
  type Runtime,
  systemRuntime,
} from "@quorate/core";
import { checkErrorBase } from "../error-problem.ts";

/** Request header: the milliseconds that the caller will still wait, as a whole number. */
export const DEADLINE_HEADER = "Request-Timeout-Ms";

/** Options of every adapter. */
export interface HttpDeadlineOptions {
  /**
   * The header that carries the caller's budget. Envoy's `x-envoy-expected-rq-timeout-ms` has the
   * same form. @default "Request-Timeout-Ms"
   */
  readonly header?: string;
  /** Longest budget that a caller is given, from 1 to a day; a longer one is cut. @default 60000 */
  readonly maxMs?: Ms;
  /** Budget where the caller names none; Infinity: no bound. @default maxMs */
  readonly defaultMs?: Ms;
  /** Put before the code in a problem's `type`: the URL of your documentation, say. */
  readonly problemBase?: string;
  /** Time. @default systemRuntime */
  readonly runtime?: Runtime;
}

/** Options with every default filled in; the header's name in lower case. */
export interface CheckedDeadlineOptions {
  readonly header: string;
  readonly maxMs: Ms;
  readonly defaultMs: Ms;
  readonly problemBase: string;
  readonly runtime: Runtime;
}

const NAMES = ["header", "maxMs", "defaultMs", "problemBase", "runtime"] as const;
const MAX_MS = 60_000;
const DAY_MS = 86_400_000;
const HEADER_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/;

/** The options, checked. */
export function checkDeadlineOptions(options: HttpDeadlineOptions): CheckedDeadlineOptions {
  knownOptions("options", options, NAMES);
  const maxMs = inRange("maxMs", options.maxMs ?? MAX_MS, 1, DAY_MS);
  const { defaultMs = maxMs } = options;
  return {
    header: checkHeaderName("header", options.header ?? DEADLINE_HEADER),
    maxMs,
    defaultMs: defaultMs === Infinity ? defaultMs : inRange("defaultMs", defaultMs, 1, DAY_MS),
    problemBase: checkErrorBase(options.problemBase),
    runtime: options.runtime ?? systemRuntime,
  };
}

/** The name of a header, in lower case. */
export function checkHeaderName(option: string, name: string): string {
  const lower = typeof name === "string" ? name.toLowerCase() : "";
  if (HEADER_NAME.test(lower)) return lower;
  throw invalidArgument(option, name, "the name of a header");
}
