/**
 * A bill of materials for each package, CycloneDX 1.5: the package and everything that npm installs
 * with it, with licence, hash and address.
 *
 * Written from the manifests and the lock file alone, so it needs no network and the same sources
 * give the same bytes. `npm sbom` was tried: over workspaces it drops scopes and packages, and it
 * refuses an installed folder that lacks a peer. Peers are not in it: they are the user's own.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../task.mjs";
import { readPackages } from "../workspace.mjs";

/** @import { Manifest } from "../workspace.mjs" */

/**
 * @typedef {object} Locked an entry of the lock file
 * @property {string} [version]
 * @property {string} [license]
 * @property {string} [integrity]
 * @property {Record<string, string>} [dependencies]
 *
 * @typedef {object} Component
 * @property {"library"} type
 * @property {string} bom-ref
 * @property {string} name
 * @property {string} version
 * @property {string} purl
 * @property {{ license: { id: string } }[]} licenses
 * @property {{ alg: "SHA-512", content: string }[]} [hashes]
 *
 * @typedef {object} Bom
 * @property {"CycloneDX"} bomFormat
 * @property {"1.5"} specVersion
 * @property {1} version
 * @property {{ component: Component, tools: object }} metadata
 * @property {Component[]} components
 * @property {{ ref: string, dependsOn: string[] }[]} dependencies
 */

/**
 * The bill of each package, by its name.
 *
 * @param {readonly { manifest: Manifest }[]} [packages]
 * @param {Record<string, Locked>} [locked] the lock file's `packages`
 * @returns {Map<string, Bom>}
 */
export function billsOfMaterials(packages = readPackages(), locked = readLock()) {
  const own = new Map(packages.map(({ manifest }) => [manifest.name, manifest]));
  return new Map([...own.keys()].map((name) => [name, billOf(name, own, locked)]));
}

/**
 * @param {string} root
 * @param {ReadonlyMap<string, Manifest>} own
 * @param {Record<string, Locked>} locked
 * @returns {Bom}
 */
function billOf(root, own, locked) {
  const names = [root];
  /** @type {Component[]} */
  const components = [];
  /** @type {{ ref: string, dependsOn: string[] }[]} */
  const dependencies = [];
  /** @param {string} name */
  const find = (name) => {
    const entry = own.get(name) ?? locked[`node_modules/${name}`];
    if (entry?.version === undefined) throw new Error(`${name} is not in the lock file`);
    return /** @type {Locked & { version: string }} */ (entry);
  };
  for (const name of names) {
    const entry = find(name);
    const needed = Object.keys(entry.dependencies ?? {}).toSorted();
    for (const one of needed) if (!names.includes(one)) names.push(one);
    const component = componentOf(name, entry);
    components.push(component);
    const dependsOn = needed.map((one) => purlOf(one, find(one).version));
    dependencies.push({ ref: component["bom-ref"], dependsOn });
  }
  const [component = componentOf(root, find(root)), ...others] = components;
  const tools = { components: [{ type: "application", name: "quorate/scripts/release/sbom.mjs" }] };
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: { component, tools },
    components: others.toSorted((a, b) => (a.purl < b.purl ? -1 : 1)),
    dependencies,
  };
}

/**
 * @param {string} name
 * @param {Locked & { version: string }} entry
 * @returns {Component}
 */
function componentOf(name, { version, license, integrity }) {
  if (license === undefined) throw new Error(`${name} names no licence`);
  const purl = purlOf(name, version);
  const [, base64] = /^sha512-(\S+)/.exec(integrity ?? "") ?? [];
  /** @type {{ alg: "SHA-512", content: string }[]} */
  const hashes =
    base64 === undefined
      ? []
      : [{ alg: "SHA-512", content: Buffer.from(base64, "base64").toString("hex") }];
  return {
    type: "library",
    "bom-ref": purl,
    name,
    version,
    purl,
    licenses: [{ license: { id: license } }],
    ...(hashes.length > 0 ? { hashes } : {}),
  };
}

/**
 * @param {string} name
 * @param {string} version
 */
function purlOf(name, version) {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

/** @returns {Record<string, Locked>} */
function readLock() {
  return JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")).packages;
}
