/**
 * The public surface of each package, as a file under review: test/api/<package>.md.
 *
 * A change of a name, a kind or a signature shows as a diff of that file; `npm test -- -u` writes
 * it. Bodies, comments and private members do not appear.
 */
import { readFileSync } from "node:fs";

import ts from "typescript";
import { describe, expect, it } from "vitest";

import { exportsOf, programOf, publicEntries } from "./support/program.ts";
import { listFiles } from "./support/repository.ts";

const entries = publicEntries();
const program = programOf(entries.map(({ path }) => path));
const printer = ts.createPrinter({ removeComments: true });
const declarationFiles = new Map<string, ts.SourceFile>();

describe("the public surface", () => {
  it.each([...new Set(entries.map(({ folder }) => folder))])(
    "of %s is as reviewed",
    async (folder) => {
      const own = entries.filter((entry) => entry.folder === folder);
      const text = own.map(({ specifier, path }) => surfaceOf(specifier, path)).join("\n");
      await expect(text).toMatchFileSnapshot(`api/${folder}.md`);
    },
  );
});

function surfaceOf(specifier: string, path: string): string {
  const names = exportsOf(program, path);
  const parts = names.map(({ name, symbol }) => declarationOf(name, symbol));
  return [`# ${specifier}`, "", "```ts", parts.join("\n\n"), "```", ""].join("\n");
}

function declarationOf(name: string, symbol: ts.Symbol): string {
  const declaration = symbol.declarations?.[0];
  if (declaration === undefined) return `${name}: unresolved`;
  const file = declarationsOf(declaration.getSourceFile().fileName);
  const statements = file.statements.filter((statement) => declares(statement, symbol.name));
  const text = statements.map((node) => print(node, file)).join("\n");
  return symbol.name === name ? text : `// as ${name}\n${text}`;
}

/** A file as its declarations, which isolatedDeclarations allows without looking at any other. */
function declarationsOf(path: string): ts.SourceFile {
  const known = declarationFiles.get(path);
  if (known !== undefined) return known;
  const { outputText } = ts.transpileDeclaration(readFileSync(path, "utf8"), { fileName: path });
  const file = ts.createSourceFile(path, outputText, ts.ScriptTarget.Latest, true);
  declarationFiles.set(path, file);
  return file;
}

function declares(statement: ts.Statement, name: string): boolean {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.some((one) => one.name.getText() === name);
  }
  return "name" in statement && (statement.name as ts.Node | undefined)?.getText() === name;
}

function print(node: ts.Node, file: ts.SourceFile): string {
  return printer
    .printNode(ts.EmitHint.Unspecified, node, file)
    .split("\n")
    .filter((line) => !/^\s*(private\b|#private;)/.test(line))
    .map((line) => line.replaceAll(/^( {4})+/g, (indent) => " ".repeat(indent.length / 2)))
    .join("\n");
}

describe("the snapshots", () => {
  it("belong to packages that exist", () => {
    const expected = new Set(entries.map(({ folder }) => `test/api/${folder}.md`));
    expect(listFiles("test/api").filter((path) => !expected.has(path))).toEqual([]);
  });
});
