/**
 * `npm run release`: everything up to the registry, and with `--publish` the registry too.
 *
 * Without `--publish` it touches neither network nor git: it says what forbids the release, builds,
 * packs and checks the tarballs, writes them and their bills of materials to `.quorate/release/`,
 * and lists what would go out in which order. With it, all gates and all tests run first, with
 * CI=true; each package goes out with provenance (so it must run in a CI that npm trusts), and the
 * commit is tagged last. Stopped half-way, the same command goes on.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { buildAll } from "./build.mjs";
import { installPackages } from "./install.mjs";
import { packAll, publishedManifest } from "./pack.mjs";
import { complaintsOf, orderOf, problemsOf, publishAll } from "./release/plan.mjs";
import { npmRegistry } from "./release/registry.mjs";
import { billsOfMaterials } from "./release/sbom.mjs";
import { Cure, done, fail, say } from "./say.mjs";
import { run } from "./servers/run.mjs";
import { ROOT, runTask } from "./task.mjs";
import { readPackages } from "./workspace.mjs";

/** @import { Tarball } from "./release/plan.mjs" */

const FOLDER = ".quorate/release";

/** @param {readonly string[]} args `--publish`, or nothing */
export async function release(args) {
  const unknown = args.find((arg) => arg !== "--publish" && arg !== "--dry-run");
  if (unknown !== undefined) throw new Cure(`release takes --publish or --dry-run, not ${unknown}`);
  const isReal = args.includes("--publish") && !args.includes("--dry-run");

  await installPackages();
  const facts = await gather();
  const problems = problemsOf(facts);
  for (const problem of problems) fail(problem);
  if (isReal && problems.length > 0) return 1;
  if (isReal) {
    await must("the gates", "npm", ["run", "check"]);
    await must("the tests", "npm", ["test"]);
  }

  const tarballs = await makeTarballs();
  writeBills(join(ROOT, FOLDER));
  if (!isReal) {
    for (const [index, { name, integrity }] of tarballs.entries()) {
      say(`${index + 1}. ${name}@${facts.version} ${integrity.slice(0, 20)}…`);
    }
    say(`would publish these in this order, then tag v${facts.version}; nothing was published`);
    return problems.length === 0 ? 0 : 1;
  }
  const registry = npmRegistry(facts.version);
  const published = await publishAll(tarballs, registry, done);
  if (facts.tagged === undefined) {
    await must("git tag", "git", ["tag", "-a", `v${facts.version}`, "-m", `v${facts.version}`]);
  }
  done(`${published.length} published, tagged v${facts.version}; git push --follow-tags is yours`);
  return 0;
}

/** `npm run sbom`: the bills alone. */
export async function sbom() {
  writeBills(join(ROOT, FOLDER));
  done(`bills of materials in ${FOLDER}/`);
  return 0;
}

async function gather() {
  /** @param {string} file */
  const read = (file) => readFileSync(join(ROOT, file), "utf8");
  const { version } = JSON.parse(read("package.json"));
  const [status, head, tag] = await Promise.all([
    run("git", ["status", "--porcelain"], { cwd: ROOT }),
    run("git", ["rev-parse", "HEAD"], { cwd: ROOT }),
    run("git", ["rev-parse", "--verify", "--quiet", `v${version}^{commit}`], { cwd: ROOT }),
  ]);
  if (!status.ok || !head.ok) throw new Cure(`not a git repository: ${status.output.trim()}`);
  return {
    version: /** @type {string} */ (version),
    manifests: readPackages().map(({ manifest }) => manifest),
    changelog: read("CHANGELOG.md"),
    changes: status.output,
    head: head.output.trim(),
    tagged: tag.ok ? tag.output.trim() : undefined,
  };
}

/** @returns {Promise<Tarball[]>} in the order of publishing */
async function makeTarballs() {
  const folder = join(ROOT, FOLDER);
  rmSync(folder, { recursive: true, force: true });
  const { code, output } = await buildAll();
  if (code !== 0) throw new Cure(`the packages do not build\n${output}`);
  const files = new Map((await packAll(folder)).map(({ name, file }) => [name, file]));
  const order = orderOf(readPackages().map(({ manifest }) => manifest));
  /** @type {string[]} */
  const complaints = [];
  /** @type {Tarball[]} */
  const tarballs = [];
  for (const manifest of order) {
    const file = files.get(manifest.name) ?? "";
    const listed = await run("tar", ["-tzf", file]);
    const names = listed.output.split("\n").filter(Boolean);
    const paths = names.map((name) => name.replace(/^package\//, ""));
    complaints.push(...complaintsOf(publishedManifest(manifest), paths));
    const hash = createHash("sha512").update(readFileSync(file)).digest("base64");
    tarballs.push({ name: manifest.name, file, integrity: `sha512-${hash}` });
  }
  if (complaints.length > 0) throw new Cure(complaints.join("\n  "));
  done(`${tarballs.length} tarballs in ${FOLDER}/`);
  return tarballs;
}

/** @param {string} folder */
function writeBills(folder) {
  mkdirSync(folder, { recursive: true });
  for (const [name, bill] of billsOfMaterials()) {
    const { version } = bill.metadata.component;
    const file = `${name.replace("@", "").replace("/", "-")}-${version}.cdx.json`;
    writeFileSync(join(folder, file), `${JSON.stringify(bill, null, 2)}\n`);
  }
}

/**
 * @param {string} what
 * @param {string} program
 * @param {readonly string[]} args
 */
async function must(what, program, args) {
  say(`${what}…`);
  const { code } = await runTask(program, args, { env: { CI: "true" } });
  if (code !== 0) throw new Cure(`${what} failed; nothing after it was done`);
}
