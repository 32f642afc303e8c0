/** What the installed packages offer, import and declare, read from their files alone. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";

import ts from "typescript";

import { ROOT } from "./repository.ts";

/** An installed package of ours. */
export interface Shipped {
  readonly name: string;
  readonly dir: string;
  /** As a user imports them: "quorate", "quorate/lock". */
  readonly entries: readonly string[];
  readonly dependencies: readonly string[];
  /** Peers without which it is of no use. */
  readonly neededPeers: readonly string[];
  readonly optionalPeers: readonly string[];
}

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** All packages of ours below `dir`/node_modules. */
export function shippedIn(dir: string): Shipped[] {
  const modules = join(dir, "node_modules");
  const scoped = readdirSync(join(modules, "@quorate")).map((name) => `@quorate/${name}`);
  const all = [...scoped, ...(existsSync(join(modules, "quorate")) ? ["quorate"] : [])];
  return all.toSorted().map((name) => {
    const home = join(modules, name);
    const manifest = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as Manifest;
    const peers = Object.keys(manifest.peerDependencies ?? {});
    const isOptional = (peer: string) => manifest.peerDependenciesMeta?.[peer]?.optional === true;
    return {
      name,
      dir: home,
      entries: Object.keys(manifest.exports)
        .filter((entry) => entry !== "./package.json")
        .map((entry) => name + entry.slice(1)),
      dependencies: Object.keys(manifest.dependencies ?? {}),
      neededPeers: peers.filter((peer) => !isOptional(peer)),
      optionalPeers: peers.filter(isOptional),
    };
  });
}

/** The packages that the files in `dist` import, code and declarations alike; Node's left out. */
export function importedBy({ name, dir }: Shipped): string[] {
  const dist = join(dir, "dist");
  const files = readdirSync(dist, { recursive: true, encoding: "utf8" });
  const specifiers = files
    .filter((file) => /\.(js|d\.ts)$/.test(file))
    .flatMap((file) => importsIn(readFileSync(join(dist, file), "utf8")));
  const foreign = specifiers.filter((specifier) => !/^(\.|node:)/.test(specifier));
  return [...new Set(foreign.map(packageOf))].filter((found) => found !== name).toSorted();
}

function importsIn(text: string): string[] {
  const { importedFiles, typeReferenceDirectives } = ts.preProcessFile(text, true, true);
  return [...importedFiles, ...typeReferenceDirectives].map(({ fileName }) => fileName);
}

/** "@quorate/core/testing" → "@quorate/core". */
function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

/**
 * Makes `to`/node_modules of nothing but `pkg` and what it declares, and what that declares. The
 * needed peers that their code imports come from this repository: they are the user's to install.
 */
export function installAlone(pkg: Shipped, from: string, to: string): void {
  const names = [pkg.name];
  for (const name of names) {
    const home = join(from, "node_modules", name);
    const place = join(to, "node_modules", name);
    if (existsSync(place)) continue;
    mkdirSync(dirname(place), { recursive: true });
    cpSync(home, place, { recursive: true });
    const text = readFileSync(join(home, "package.json"), "utf8");
    names.push(...Object.keys((JSON.parse(text) as Manifest).dependencies ?? {}));
  }
  const ours = shippedIn(to);
  linkPeers(ours, to, ours.flatMap(importedBy));
}

/** Gives `dir` the needed peers, of those named in `only`, from this repository. */
export function linkPeers(packages: readonly Shipped[], dir: string, only?: readonly string[]) {
  for (const peer of new Set(packages.flatMap(({ neededPeers }) => neededPeers))) {
    const to = join(dir, "node_modules", peer);
    if (existsSync(to) || only?.includes(peer) === false) continue;
    mkdirSync(dirname(to), { recursive: true });
    symlinkSync(homeOf(peer), to);
  }
}

/** Gives `dir` clients of servers, as a user would install them. */
export function linkClients(dir: string, clients: readonly string[]): void {
  for (const name of clients) symlinkSync(homeOf(name), join(dir, "node_modules", name));
}

/** Where npm put it: at the top, or beside the one workspace that asks for it. */
function homeOf(name: string): string {
  const packages = readdirSync(join(ROOT, "packages")).map((folder) => join("packages", folder));
  const homes = ["", ...packages].map((folder) => join(ROOT, folder, "node_modules", name));
  const home = homes.find(existsSync);
  if (home === undefined) throw new Error(`${name} is not installed in this repository`);
  return home;
}
