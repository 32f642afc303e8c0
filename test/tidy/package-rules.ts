/**
 * Rules for manifests: all packages move in lockstep, pin each other exactly, and have what npm,
 * type checkers and build need.
 */
import type { Finding } from "./finding.ts";

/** A `package.json`, as far as the rules look at it. */
export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

const REQUIRED = [
  "name",
  "version",
  "description",
  "license",
  "type",
  "sideEffects",
  "engines",
  "files",
  "exports",
  "main",
  "types",
];

const INTERNAL = /^(@quorate\/.+|quorate)$/;
const EXACT = /^(npm:[^@]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/;

/** Judges one package's manifest against the version of the repository. */
export function checkManifest(path: string, manifest: Manifest, version: string): Finding[] {
  const findings: Finding[] = [];
  const add = (problem: string, cure: string): void => {
    findings.push({ path, line: 1, problem, cure });
  };
  for (const field of REQUIRED.filter((name) => manifest[name] === undefined)) {
    add(`has no "${field}"`, "Copy the field from packages/core/package.json and adapt it");
  }
  if (manifest.version !== version) {
    add(`has version ${manifest.version}`, `All packages share ${version}`);
  }
  if (manifest["license"] !== "Apache-2.0") add("has another licence", 'Use "Apache-2.0"');
  if (manifest["type"] !== "module") add("is not ESM", 'Set "type": "module"');
  for (const [name, range] of Object.entries(manifest.dependencies ?? {})) {
    if (INTERNAL.test(name) && range !== version) {
      add(`depends on ${name} ${range}`, `Pin it to exactly ${version}`);
    }
  }
  return findings;
}

/** Every entry of `exports` has sources first, then types, then code. */
export function checkEntries(path: string, manifest: Manifest): Finding[] {
  const exports = (manifest["exports"] ?? {}) as Record<string, unknown>;
  return Object.entries(exports).flatMap(([entry, target]) => {
    if (typeof target === "string") return [];
    const order = Object.keys(target as object).join(" ");
    if (order === "@quorate/source types default") return [];
    const cure = 'Write "@quorate/source", "types", "default" in this order';
    return [{ path, line: 1, problem: `entry ${entry} has conditions ${order}`, cure }];
  });
}

/** Development tools are pinned too: a build must be the same tomorrow. */
export function checkPins(path: string, manifest: Manifest): Finding[] {
  return Object.entries(manifest.devDependencies ?? {})
    .filter(([, range]) => !EXACT.test(range))
    .map(([name, range]) => ({
      path,
      line: 1,
      problem: `devDependency ${name} is a range, ${range}`,
      cure: "Pin it to one version",
    }));
}

/** `tsc -b` builds in the order of references, so they must name the dependencies. */
export function checkReferences(
  path: string,
  manifest: Manifest,
  references: readonly string[],
): Finding[] {
  // A peer of ours is loaded on demand; its types are needed all the same.
  const wanted = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
    .filter((name) => INTERNAL.test(name))
    .map((name) => `../${name.replace("@quorate/", "")}`);
  const missing = wanted.filter((name) => !references.includes(name));
  const spare = references.filter((name) => !wanted.includes(name));
  return [
    ...missing.map((name) => ({
      path,
      line: 1,
      problem: `tsconfig.json has no reference to ${name}`,
      cure: `Add { "path": "${name}" } to its references`,
    })),
    ...spare.map((name) => ({
      path,
      line: 1,
      problem: `tsconfig.json refers to ${name}, which is no dependency`,
      cure: "Remove the reference",
    })),
  ];
}
