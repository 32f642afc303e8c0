/**
 * Options of shedding: who is asked, who matters less, and who is never refused.
 */
import {
  boundedString,
  callable,
  invalidArgument,
  knownOptions,
  type Ms,
  positive,
  type Runtime,
  systemRuntime,
} from "@quorate/core";
import type { Admission } from "@quorate/resilience";
import { checkHeaderName } from "../deadline/options.ts";
import { checkErrorBase } from "../error-problem.ts";

/** Options of every adapter; `R` is the framework's request. */
export interface HttpSheddingOptions<R> {
  /** The server's places and its line; one for all that shares its CPU. */
  readonly admission: Admission;
  /**
   * Who is shed first: below 0 before the line is full, the lower the sooner. A function says it
   * of a request; a name is that of a header with a whole number from -10 to 0, which callers can
   * use to step back and not to push ahead. @default 0 for all
   */
  readonly priority?: string | ((request: R) => number);
  /**
   * The kind of work that a request is, for a median of its own; a bounded set of names, such as
   * the pattern of its route. Quick and slow routes of one kind have no median that means much.
   * @default one for all
   */
  readonly route?: (request: R) => string;
  /**
   * What is never shed nor counted: paths for GET and HEAD, or a function. Event streams and
   * WebSockets belong there, too: they would keep their places for ever.
   * @default ["/health", "/healthz", "/livez", "/readyz"]
   */
  readonly exempt?: readonly string[] | ((request: R) => boolean);
  /**
   * Express and Fastify: how long a handler whose client has left, and that has not answered,
   * still counts as running. @default 10000
   */
  readonly lingerMs?: Ms;
  /** Put before the code in a problem's `type`: the URL of your documentation, say. */
  readonly problemBase?: string;
  /** Time. @default systemRuntime */
  readonly runtime?: Runtime;
}

/** Options with every default filled in. */
export interface CheckedSheddingOptions<R> {
  readonly admission: Admission;
  readonly priority:
    | { readonly kind: "header"; readonly name: string }
    | { readonly kind: "function"; readonly of: (request: R) => number };
  readonly route: ((request: R) => string) | undefined;
  readonly exempt: ReadonlySet<string> | ((request: R) => boolean);
  readonly lingerMs: Ms;
  readonly problemBase: string;
  readonly runtime: Runtime;
}

const NAMES = [
  "admission",
  "priority",
  "route",
  "exempt",
  "lingerMs",
  "problemBase",
  "runtime",
] as const;
const HEALTH_CHECKS: readonly string[] = ["/health", "/healthz", "/livez", "/readyz"];
const LINGER_MS = 10_000;
const MAX_PATH_BYTES = 1_024;

/** The options, checked. */
export function checkSheddingOptions<R>(
  options: HttpSheddingOptions<R>,
): CheckedSheddingOptions<R> {
  knownOptions("options", options, NAMES);
  const { admission, priority = () => 0, route, exempt = HEALTH_CHECKS } = options;
  if (typeof admission?.run !== "function" || typeof admission.method !== "function") {
    throw invalidArgument("admission", admission, "what admission() of @quorate/resilience makes");
  }
  return {
    admission,
    priority:
      typeof priority === "string"
        ? { kind: "header", name: checkHeaderName("priority", priority) }
        : { kind: "function", of: callable("priority", priority) },
    route: route === undefined ? undefined : callable("route", route),
    exempt: typeof exempt === "function" ? exempt : checkPaths(exempt),
    lingerMs: positive("lingerMs", options.lingerMs ?? LINGER_MS),
    problemBase: checkErrorBase(options.problemBase),
    runtime: options.runtime ?? systemRuntime,
  };
}

function checkPaths(paths: readonly string[]): ReadonlySet<string> {
  if (!Array.isArray(paths)) throw invalidArgument("exempt", paths, "paths, or a function");
  for (const path of paths as readonly string[]) boundedString("exempt", path, MAX_PATH_BYTES);
  return new Set(paths);
}
