/**
 * Takes servers out of Debian packages without root and without installing anything.
 *
 * `apt-get download` with lists, cache and state of our own, then `dpkg-deb -x` into `.quorate/`.
 * No service starts, no file of the system changes, and apt verifies the signatures as always. The
 * mirror and its keyring are those of the machine's own sources, asked for other suites: static
 * NATS binaries run anywhere, and the three suites carry the three versions that tests need.
 *
 * On a derivative (Ubuntu) the machine's mirror has no Debian suites; then only the machine's own
 * suite is asked.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { mustRun, run } from "./run.mjs";

/**
 * @typedef {object} AptSource
 * @property {string} uri
 * @property {string} options the bracketed part of a one-line entry, or ""
 * @property {readonly string[]} suites
 * @property {readonly string[]} components
 */

const ETC_APT = "/etc/apt";

// Hooks of the system (rebuild an index, wake a desktop service) are none of our business, and a
// user without root could not run them.
const CONF = `
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
Acquire::Languages "none";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
APT::Sandbox::User "";
`;

/** True where apt can be used at all. */
export async function hasApt() {
  if (process.platform !== "linux" || !existsSync(ETC_APT)) return false;
  const [apt, dpkg] = await Promise.all([
    run("apt-get", ["--version"]),
    run("dpkg-deb", ["--version"]),
  ]);
  return apt.ok && dpkg.ok;
}

/**
 * The machine's own source of its base distribution, and its code name.
 *
 * @returns {{ source: AptSource, distribution: string, codename: string }}
 */
export function ownSource() {
  const release = parseRelease(readFileSync("/etc/os-release", "utf8"));
  const codename = release["VERSION_CODENAME"] ?? "sid";
  const source = readSources().find(
    ({ suites, components }) => suites.includes(codename) && components.includes("main"),
  );
  if (source === undefined) throw new Error(`no apt source carries ${codename} main`);
  return { source, distribution: release["ID"] ?? "", codename };
}

/**
 * Downloads packages of one suite and unpacks them into `rootDir`.
 *
 * @param {{ source: AptSource, suite: string, packages: readonly string[], workDir: string,
 *   rootDir: string, update: boolean, components?: string }} options
 *   `update` false reuses the lists that an earlier call left in `workDir`
 */
export async function unpackPackages(options) {
  const { source, suite, packages, workDir, rootDir } = options;
  const list = join(workDir, "sources.list");
  const conf = join(workDir, "apt.conf");
  const downloads = join(workDir, "downloads");
  for (const dir of ["state/lists/partial", "cache/archives/partial", "downloads"]) {
    mkdirSync(join(workDir, dir), { recursive: true });
  }
  mkdirSync(rootDir, { recursive: true });
  writeFileSync(conf, CONF);
  const components = options.components ?? "main";
  writeFileSync(list, `deb ${source.options}${source.uri} ${suite} ${components}\n`);

  const apt = [
    ...["-c", conf, "-o", `Dir::State=${workDir}/state`, "-o", `Dir::Cache=${workDir}/cache`],
    ...["-o", `Dir::Cache::pkgcache=pkgcache.bin`, "-o", "Dir::State::status=/dev/null"],
    ...["-o", `Dir::Etc::sourcelist=${list}`, "-o", "Dir::Etc::sourceparts=/dev/null", "-qq"],
  ];
  if (options.update) await mustRun("apt-get", [...apt, "update"]);
  await mustRun("apt-get", [...apt, "download", ...packages], { cwd: downloads });
  for (const file of readdirSync(downloads).filter((name) => name.endsWith(".deb"))) {
    await mustRun("dpkg-deb", ["-x", join(downloads, file), rootDir]);
  }
}

/** @returns {AptSource[]} */
function readSources() {
  const parts = join(ETC_APT, "sources.list.d");
  const names = existsSync(parts) ? readdirSync(parts).toSorted() : [];
  const files = [join(ETC_APT, "sources.list"), ...names.map((name) => join(parts, name))];
  return files.filter(existsSync).flatMap((file) => {
    const text = readFileSync(file, "utf8");
    if (file.endsWith(".sources")) return parseDeb822(text);
    return file.endsWith(".list") ? parseOneLine(text) : [];
  });
}

/**
 * The `.sources` format: paragraphs of fields.
 *
 * @param {string} text
 * @returns {AptSource[]}
 */
export function parseDeb822(text) {
  const paragraphs = text.replaceAll(/^#.*\n/gm, "").split(/\n\s*\n/);
  return paragraphs.flatMap((paragraph) => {
    const field = (/** @type {string} */ name) =>
      new RegExp(`^${name}:[ \t]*(.+)$`, "mi").exec(paragraph)?.[1]?.trim();
    const words = (/** @type {string} */ name) => field(name)?.split(/\s+/) ?? [];
    const [uri] = words("URIs");
    if (uri === undefined || !words("Types").includes("deb") || field("Enabled") === "no") {
      return [];
    }
    // A key written into the paragraph itself has no path to name; apt's own keyrings must do.
    const key = field("Signed-By");
    const options = key?.startsWith("/") ? `[signed-by=${key.split(/\s+/).join(",")}] ` : "";
    return [{ uri, options, suites: words("Suites"), components: words("Components") }];
  });
}

/**
 * The `.list` format: `deb [options] uri suite component…`.
 *
 * @param {string} text
 * @returns {AptSource[]}
 */
export function parseOneLine(text) {
  return [...text.matchAll(/^deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.+)$/gm)].map(
    ([, options = "", uri = "", suite = "", components = ""]) => ({
      uri,
      options,
      suites: [suite],
      components: components.trim().split(/\s+/),
    }),
  );
}

/**
 * @param {string} text
 * @returns {Record<string, string>}
 */
function parseRelease(text) {
  const pairs = [...text.matchAll(/^(\w+)="?([^"\n]*)"?$/gm)];
  return Object.fromEntries(pairs.map(([, name, value]) => [name, value]));
}
