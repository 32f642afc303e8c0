/**
 * Who may import whom: only from a layer with a smaller number, and no files in a ring.
 *
 * The table is the picture of `docs/architecture.md`. A new package joins it here first.
 */
import { dirname, join, normalize } from "node:path";

import type { SourceText } from "../support/repository.ts";
import type { Finding } from "./finding.ts";
import { importsOf } from "./syntax.ts";

const LAYERS: readonly (readonly string[])[] = [
  ["core"],
  ["memory", "redis", "nats", "conformance", "clock", "ring", "resilience", "quorum"],
  ["lock", "idempotency", "membership", "simulator"],
  ["election", "cron", "transaction", "discovery", "http"],
  ["rpc"],
  ["quorate", "otel", "console"],
  ["nestjs"],
];

/** Test files may import from any layer. */
export function isTest(path: string): boolean {
  return /\.(test|fixture)\.ts$/.test(path);
}

/** Imports that go up, sideways, or into another package's folder. */
export function checkLayers(files: readonly SourceText[]): Finding[] {
  return files
    .filter(({ path }) => path.startsWith("packages/") && !isTest(path))
    .flatMap((file) => importsOf(file).flatMap((found) => checkImport(file.path, found)));
}

function checkImport(path: string, { specifier, line }: { specifier: string; line: number }) {
  const own = path.split("/")[1] ?? "";
  const finding = (problem: string, cure: string): Finding[] => [{ path, line, problem, cure }];
  if (specifier.startsWith(".")) {
    const target = normalize(join(dirname(path), specifier));
    if (target.startsWith(`packages/${own}/src/`)) return [];
    return finding(`imports ${specifier} outside its package`, "Import the package by its name");
  }
  const name = /^(?:@quorate\/([^/]+)|(quorate))(?:\/|$)/.exec(specifier);
  if (name === null) return [];
  const imported = name[1] ?? name[2] ?? "";
  const ownLayer = layerOf(own);
  const importedLayer = layerOf(imported);
  if (ownLayer < 0 || importedLayer < 0) {
    const unknown = ownLayer < 0 ? own : imported;
    return finding(`${unknown} is in no layer`, "Add it to LAYERS in test/tidy/layers.ts");
  }
  if (importedLayer < ownLayer) return [];
  return finding(
    `${own} (layer ${ownLayer}) imports ${imported} (layer ${importedLayer})`,
    "Move what is shared to a lower layer, or take it as an argument",
  );
}

function layerOf(name: string): number {
  return LAYERS.findIndex((layer) => layer.includes(name));
}

/** Rings of files that import each other, types included: a ring cannot be read in any order. */
export function checkCycles(files: readonly SourceText[]): Finding[] {
  const graph = new Map(
    files.map((file) => [
      file.path,
      importsOf(file)
        .filter(({ specifier }) => specifier.startsWith("."))
        .map(({ specifier, line }) => ({
          to: normalize(join(dirname(file.path), specifier)),
          line,
        })),
    ]),
  );
  const findings: Finding[] = [];
  const finished = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    trail.push(path);
    for (const { to, line } of graph.get(path) ?? []) {
      const at = trail.indexOf(to);
      if (at >= 0) {
        const ring = [...trail.slice(at), to].join(" → ");
        const problem = `closes the ring ${ring}`;
        findings.push({ path, line, problem, cure: "Move what both need into a third file" });
      } else if (!finished.has(to)) {
        visit(to);
      }
    }
    trail.pop();
    finished.add(path);
  };
  for (const path of graph.keys()) if (!finished.has(path)) visit(path);
  return findings;
}
