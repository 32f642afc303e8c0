/**
 * The API reference: every entry of every package, from the doc comments, by typedoc.
 *
 * `npm run api` writes HTML to `.quorate/api/`. It is not committed: it follows from the sources,
 * and a diff of it tells nobody anything (`test/api/` is the surface under review). As a gate it
 * writes nothing and only asks: does every public name and member have words, does every link lead
 * somewhere, and is every type that a signature names one that its reader can look up?
 */
import { join } from "node:path";

import ts from "typescript";
import { Application, LogLevel, Logger } from "typedoc";

import { done, stopwatch } from "./say.mjs";
import { ROOT } from "./task.mjs";
import { readPackages } from "./workspace.mjs";

/** @import { ProjectReflection } from "typedoc" */

/** Kinds that must have words; parameters are told in the words of their function. */
const DOCUMENTED = /** @type {const} */ ([
  ...["Class", "Interface", "Function", "TypeAlias", "Variable"],
  ...["Method", "Accessor"],
]);

/**
 * Types that a signature names and no entry exports, by package, on purpose: shapes of one call,
 * shown where they are used, that nobody should write down.
 *
 * @type {Record<string, string[]>}
 */
const NOT_EXPORTED = {
  core: ["Clocks"],
  cron: ["OUTCOMES"],
  idempotency: ["Subject"],
  membership: ["FailedOperation"],
  resilience: [
    ...["Active", "CheckedRate", "CheckedRateLimit", "CheckedSlices"],
    ...["PhaseKind", "TransitionReason"],
  ],
  rpc: ["Arguments", "CheckedMethod", "ErrorSchema", "OrphanReason", "StreamArguments"],
  simulator: [
    ...["Claim", "EventKind", "EventOwner", "Inhabitant", "JudgedHistory", "LaterClaim"],
    ...["NodeClock", "NodeOptions", "SimEvent", "SimStoreTraits", "Step", "TraceHash"],
  ],
  transaction: ["Answer", "Input", "OutboxEvents", "Subject"],
};

/**
 * Shapes of what others make (a client, a driver, a framework), told in the words of their makers;
 * and members of a type without a name, told in the words of what has it.
 */
const UNNAMED =
  /\.(\w+Like|ScriptClient|SqlPool|SqlConnection|__type)\.\S+ \(\w+\), .* not have any doc/;

class Complaints extends Logger {
  /** @type {string[]} */
  lines = [];

  /**
   * @override
   * @param {string} message
   * @param {LogLevel} level
   */
  log(message, level) {
    if (level >= LogLevel.Warn && !UNNAMED.test(message)) this.lines.push(message);
  }
}

/**
 * @param {string | undefined} out a folder for the pages; without one, only the questions are asked
 * @returns {Promise<{ code: number, output: string }>}
 */
export async function reference(out) {
  const packages = readPackages();
  // The umbrella's sub-paths are the packages themselves, which are in it by their own names.
  const entryPoints = packages.flatMap(({ dir, folder, entries }) =>
    entries
      .filter(({ path }) => folder !== "quorate" || path === ".")
      .map(({ source }) => join(dir, source)),
  );
  const logger = new Complaints();
  const app = await Application.bootstrap({
    name: "Quorate",
    entryPoints,
    basePath: ROOT,
    readme: join(ROOT, "README.md"),
    disableGit: true,
    sourceLinkTemplate: "https://github.com/quorate/quorate/blob/main/{path}#L{line}",
    disableSources: false,
    excludePrivate: true,
    // What is inherited from Node or a framework is documented there.
    excludeExternals: true,
    // Types are one of the gates already.
    skipErrorChecking: true,
    packagesRequiringDocumentation: packages.map(({ manifest }) => manifest.name),
    requiredToBeDocumented: [...DOCUMENTED],
    validation: { notDocumented: true, notExported: false, invalidLink: true, invalidPath: false },
    githubPages: false,
    hideGenerator: true,
  });
  app.logger = logger;
  app.options.setCompilerOptions(entryPoints, compilerOptions(), undefined);
  const project = await app.convert();
  if (project !== undefined) {
    app.validate(project);
    askForTypes(app, project, packages);
    if (out !== undefined) await app.generateDocs(project, out);
  }
  const output = logger.lines.toSorted().join("\n");
  return { code: project === undefined || logger.lines.length > 0 ? 1 : 0, output };
}

/**
 * Is every type that a signature names a public one? typedoc asks this only about the package whose
 * name the project bears; so the project is each of them in turn.
 *
 * @param {Application} app
 * @param {ProjectReflection} project
 * @param {ReturnType<typeof readPackages>} packages
 */
function askForTypes(app, project, packages) {
  const { packageName } = project;
  for (const { manifest, folder } of packages) {
    project.packageName = manifest.name;
    app.options.setValue("intentionallyNotExported", NOT_EXPORTED[folder] ?? []);
    app.options.setValue("validation", { notDocumented: false, notExported: true });
    app.validate(project);
  }
  if (packageName !== undefined) project.packageName = packageName;
}

/** `npm run api`. */
export async function api() {
  const time = stopwatch();
  const folder = join(ROOT, ".quorate", "api");
  const { code, output } = await reference(folder);
  if (output !== "") console.log(output);
  if (code === 0) done(`${join(folder, "index.html")} (${time()})`);
  return code;
}

function compilerOptions() {
  const { config } = ts.readConfigFile(join(ROOT, "tsconfig.json"), (path) =>
    ts.sys.readFile(path),
  );
  const host = { ...ts.sys, readDirectory: () => [] };
  return ts.parseJsonConfigFileContent({ ...config, files: [] }, host, ROOT).options;
}
