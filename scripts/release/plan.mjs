/**
 * What a release is, decided without acting: what forbids it, in which order the packages go out,
 * and what is left to do when an earlier try stopped half-way.
 *
 * npm keeps a version for ever, so nothing here may be done twice differently: a package that the
 * registry has with the very bytes of ours is passed over, one with other bytes stops everything.
 * Dependencies go first, so that at no moment a package is out that cannot be installed.
 */

/** @import { Manifest } from "../workspace.mjs" */

/**
 * @typedef {object} Facts
 * @property {string} version of the repository
 * @property {readonly Manifest[]} manifests
 * @property {string} changelog
 * @property {string} changes what `git status --porcelain` prints
 * @property {string} head the commit
 * @property {string | undefined} tagged the commit that the version's tag names, if there is one
 *
 * @typedef {object} Tarball
 * @property {string} name
 * @property {string} file
 * @property {string} integrity as npm writes it: `sha512-…`
 */

const OURS = /^(@quorate\/.+|quorate)$/;

/**
 * Everything that forbids the release; empty if nothing does.
 *
 * @param {Facts} facts
 * @returns {string[]}
 */
export function problemsOf({ version, manifests, changelog, changes, head, tagged }) {
  const problems = [];
  if (changes.trim() !== "") {
    const files = changes.trim().split("\n");
    problems.push(`the tree is not clean: ${files.length} files differ from the commit`);
  }
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) problems.push(`${version} is no version`);
  for (const manifest of manifests) {
    if (manifest.version !== version) {
      problems.push(`${manifest.name} has version ${manifest.version}, the repository ${version}`);
    }
    const needs = { ...manifest.dependencies, ...manifest.peerDependencies };
    for (const [name, range] of Object.entries(needs)) {
      if (OURS.test(name) && range !== version) {
        problems.push(`${manifest.name} asks for ${name} ${range}, not for exactly ${version}`);
      }
    }
  }
  const heading = new RegExp(`^## \\[?${version.replaceAll(".", "\\.")}\\]?(\\s|$)`, "m");
  if (!heading.test(changelog)) problems.push(`CHANGELOG.md has no heading "## ${version}"`);
  if (tagged !== undefined && tagged !== head) {
    problems.push(`the tag v${version} stands at ${tagged.slice(0, 9)}, which is not this commit`);
  }
  return problems;
}

/**
 * Dependencies before those that depend on them; by name where nothing else decides.
 *
 * @param {readonly Manifest[]} manifests
 * @returns {Manifest[]}
 * @throws an error that names the packages which wait for each other
 */
export function orderOf(manifests) {
  const left = new Map(manifests.map((manifest) => [manifest.name, manifest]));
  /** @type {Manifest[]} */
  const order = [];
  while (left.size > 0) {
    const free = [...left.values()].filter(({ dependencies, peerDependencies }) =>
      Object.keys({ ...dependencies, ...peerDependencies }).every((name) => !left.has(name)),
    );
    if (free.length === 0) throw new Error(`a ring of packages: ${[...left.keys()].join(", ")}`);
    for (const manifest of free.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      order.push(manifest);
      left.delete(manifest.name);
    }
  }
  return order;
}

/**
 * What is wrong with a packed manifest: it would lead users to files that they do not have.
 *
 * @param {Manifest} manifest
 * @param {readonly string[]} files of the tarball, without its leading folder
 * @returns {string[]}
 */
export function complaintsOf(manifest, files) {
  const wanted = ["LICENSE", "README.md", "package.json"];
  const targets = Object.values(manifest.exports).flatMap((target) =>
    typeof target === "string" ? [target] : Object.values(target),
  );
  const named = [...targets, ...Object.values(manifest.bin ?? {})];
  const paths = named.map((path) => path.replace(/^\.\//, ""));
  const absent = [...new Set([...wanted, ...paths])].filter((path) => !files.includes(path));
  const spare = files.filter((path) => !/^(dist\/|LICENSE$|README\.md$|package\.json$)/.test(path));
  return [
    ...absent.map((path) => `${manifest.name} lacks ${path}`),
    ...spare.map((path) => `${manifest.name} ships ${path}`),
  ];
}

/**
 * Publishes what the registry does not have yet, one after another, in the order given. A failure
 * stops it; the same call goes on from there.
 *
 * @param {readonly Tarball[]} tarballs
 * @param {object} registry
 * @param {(name: string) => Promise<string | undefined>} registry.integrityOf what it has under
 *   this version, if anything; asked for all before the first is published
 * @param {(tarball: Tarball) => Promise<void>} registry.publish
 * @param {(text: string) => void} tell
 * @returns {Promise<string[]>} the names that were published by this call
 */
export async function publishAll(tarballs, { integrityOf, publish }, tell) {
  /** @type {Tarball[]} */
  const wanting = [];
  for (const tarball of tarballs) {
    const there = await integrityOf(tarball.name);
    if (there === undefined) wanting.push(tarball);
    else if (there === tarball.integrity) tell(`${tarball.name} is out already`);
    else {
      const cure = "Release from the commit that was published, or under a new version";
      throw new Error(`${tarball.name} is out with other content (${there}). ${cure}`);
    }
  }
  for (const tarball of wanting) {
    await publish(tarball);
    tell(`${tarball.name} published`);
  }
  return wanting.map(({ name }) => name);
}
