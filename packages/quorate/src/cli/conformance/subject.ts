/**
 * The engine under test: a module of the user's, and what it must export.
 *
 * One of:
 *
 * - `createBackend(options)`: a fresh backend on the same store each time, as another process would
 *   open it. `options` has `namespace`, `requestTimeoutMs` and perhaps `runtime`, to be passed on.
 *   `backend` is another name for it. Cases that need faults are gated off, and listed so.
 * - `createHarness()`: a whole `Harness` of `@quorate/conformance`, with the faults that it can
 *   make. What it cannot make is gated off.
 *
 * Guarantees: a module that exports neither is told what is missing; nothing of it was run but its
 * own top level.
 */
import { createRequire } from "node:module";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Harness, OpenOptions } from "@quorate/conformance";
import { type Backend, invalidArgument, scrub, sleep, systemRuntime } from "@quorate/core";

const CONTRACT =
  "a module that exports createBackend(options) or createHarness(): see quorate help conformance";
const TYPESCRIPT = /\.[cm]?ts$/;

/**
 * The engine of the module at `path`, a file or a package's name, seen from `from`.
 *
 * @throws INVALID_ARGUMENT there is no such module, it does not load, or it exports no engine.
 */
export async function subjectOf(path: string, from: string): Promise<Harness> {
  return harnessOf(path, await load(path, from));
}

async function load(path: string, from: string): Promise<Readonly<Record<string, unknown>>> {
  const file = resolve(from, path);
  try {
    const found = existsSync(file)
      ? file
      : createRequire(resolve(from, "package.json")).resolve(path);
    return (await import(pathToFileURL(found).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    const why = scrub(error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
    const code: unknown = (error as { code?: unknown } | undefined)?.code;
    const isForeign = TYPESCRIPT.test(path) && code === "ERR_UNKNOWN_FILE_EXTENSION";
    const cure = isForeign
      ? "a module that Node.js can load: build it, or set NODE_OPTIONS='--import tsx'"
      : `a module that loads (${why})`;
    throw invalidArgument("module", path, cure);
  }
}

async function harnessOf(
  path: string,
  exported: Readonly<Record<string, unknown>>,
): Promise<Harness> {
  const { backend, createBackend = backend, createHarness } = exported;
  if (typeof createHarness === "function") {
    const harness = (await (createHarness as () => unknown)()) as Partial<Harness> | undefined;
    if (typeof harness?.open === "function") return harness as Harness;
    throw invalidArgument("module", path, "a createHarness() that returns a Harness");
  }
  if (typeof createBackend !== "function") throw invalidArgument("module", path, CONTRACT);
  return plainHarness(path, createBackend as Open);
}

type Open = (options: OpenOptions) => Backend | Promise<Backend>;

/** Real time, no faults. */
function plainHarness(name: string, open: Open): Harness {
  return {
    name,
    open: async (options = {}) => {
      const { namespace = "conformance", requestTimeoutMs = 2_000 } = options;
      return open({ ...options, namespace, requestTimeoutMs });
    },
    pass: (ms) => sleep(systemRuntime, ms),
    close: async () => {},
  };
}
