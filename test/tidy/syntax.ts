/** The little of TypeScript's own API that the rules need. */
import ts from "typescript";

import type { SourceText } from "../support/repository.ts";

const parsed = new Map<string, { text: string; file: ts.SourceFile }>();

/** The syntax tree of a file; parsed once. */
export function treeOf({ path, text }: SourceText): ts.SourceFile {
  const known = parsed.get(path);
  if (known?.text === text) return known.file;
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  parsed.set(path, { text, file });
  return file;
}

/** The line of a position, from 1. */
export function lineOf(file: ts.SourceFile, position: number): number {
  return file.getLineAndCharacterOfPosition(position).line + 1;
}

/** Calls `see` for every node of the tree, parents first. */
export function walk(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  ts.forEachChild(node, (child) => walk(child, see));
}

/** Every module that the file names: imports, re-exports, dynamic imports. */
export function importsOf(source: SourceText): { specifier: string; line: number }[] {
  const file = treeOf(source);
  const found: { specifier: string; line: number }[] = [];
  walk(file, (node) => {
    const module =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.arguments[0]
          : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
            ? node.argument.literal
            : undefined;
    if (module !== undefined && ts.isStringLiteralLike(module)) {
      found.push({ specifier: module.text, line: lineOf(file, module.getStart()) });
    }
  });
  return found;
}
