/** One compiler program over the public entries of all packages, resolved to their sources. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import ts from "typescript";

import { packageFolders, ROOT } from "./repository.ts";

/** One way into a package: "." or "./testing". */
export interface PublicEntry {
  /** As imported: "@quorate/core/testing". */
  readonly specifier: string;
  readonly folder: string;
  /** From the root. */
  readonly path: string;
}

/** All entries that exist. */
export function publicEntries(): PublicEntry[] {
  return packageFolders().flatMap((folder) => {
    const text = readFileSync(join(ROOT, "packages", folder, "package.json"), "utf8");
    const manifest = JSON.parse(text) as { name: string; exports: Record<string, unknown> };
    return Object.entries(manifest.exports).flatMap(([entry, target]) => {
      const source = (target as Record<string, string>)["@quorate/source"];
      if (source === undefined) return [];
      const path = join("packages", folder, source);
      if (!ts.sys.fileExists(join(ROOT, path))) return [];
      return [{ specifier: join(manifest.name, entry), folder, path }];
    });
  });
}

/** The options of the repository's tsconfig, for programs that tests make. */
export function compilerOptions(extra: ts.CompilerOptions = {}): ts.CompilerOptions {
  const file = join(ROOT, "tsconfig.json");
  const { config } = ts.readConfigFile(file, (path) => ts.sys.readFile(path)) as {
    config: object;
  };
  const host = { ...ts.sys, readDirectory: () => [] };
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, host, ROOT);
  return { ...options, ...extra };
}

/** A program over `paths`, from the root. */
export function programOf(paths: readonly string[], extra?: ts.CompilerOptions): ts.Program {
  const files = paths.map((path) => join(ROOT, path));
  return ts.createProgram(files, compilerOptions(extra));
}

/** The exported symbols of a module, through their aliases, by name. */
export function exportsOf(
  program: ts.Program,
  path: string,
): { name: string; symbol: ts.Symbol }[] {
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(join(ROOT, path));
  const module = file === undefined ? undefined : checker.getSymbolAtLocation(file);
  if (module === undefined) return [];
  return checker
    .getExportsOfModule(module)
    .map((symbol) => ({
      name: symbol.name,
      symbol: symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
