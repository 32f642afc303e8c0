/**
 * Compiles pieces of documentation as if each were a file of a user's project.
 *
 * All pieces go through one compiler program; they exist only in memory, beside the repository's
 * `package.json`, so that package names resolve to the sources.
 */
import { join } from "node:path";

import ts from "typescript";

import { compilerOptions, exportsOf, programOf, publicEntries } from "./program.ts";
import { ROOT } from "./repository.ts";

/** A piece of TypeScript and the place in the repository where a reader sees it. */
export interface Snippet {
  readonly page: string;
  /** Line of the page on which the code begins, from 1. */
  readonly line: number;
  readonly code: string;
  /** Lines put before the code, such as imports; they do not count as lines of the page. */
  readonly prelude?: string;
}

/** Compiles all; returns `page:line message` for each error. */
export function compileSnippets(snippets: readonly Snippet[]): string[] {
  const texts = new Map<string, { snippet: Snippet; text: string }>();
  for (const [index, snippet] of snippets.entries()) {
    // `export {}` makes each a module even without imports: no name leaks to the next.
    const text = `${snippet.prelude ?? ""}export {};\n${snippet.code}\n`;
    texts.set(join(ROOT, `snippet-${index}.ts`), { snippet, text });
  }
  const options = compilerOptions({
    noUnusedLocals: false,
    noUnusedParameters: false,
    noPropertyAccessFromIndexSignature: false,
    experimentalDecorators: true, // Those of NestJS.
    erasableSyntaxOnly: false, // Its constructors name what is injected.
  });
  const host = ts.createCompilerHost(options);
  const disk = { ...host };
  host.fileExists = (path) => texts.has(path) || disk.fileExists(path);
  host.readFile = (path) => texts.get(path)?.text ?? disk.readFile(path);
  host.getSourceFile = (path, target, ...rest) => {
    const own = texts.get(path);
    if (own === undefined) return disk.getSourceFile(path, target, ...rest);
    const file = ts.createSourceFile(path, own.text, target, true);
    file.impliedNodeFormat = ts.ModuleKind.ESNext;
    return file;
  };
  const program = ts.createProgram([...texts.keys()], options, host);
  return [...texts].flatMap(([path, { snippet }]) => {
    const file = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      (diagnostic) => describe(snippet, file, diagnostic),
    );
  });
}

function describe(snippet: Snippet, file: ts.SourceFile | undefined, found: ts.Diagnostic): string {
  const position = file?.getLineAndCharacterOfPosition(found.start ?? 0).line ?? 0;
  const before = (snippet.prelude ?? "").split("\n").length; // With the `export {}` line.
  const message = ts.flattenDiagnosticMessageText(found.messageText, " ");
  return `${snippet.page}:${snippet.line + Math.max(position - before, 0)} ${message}`;
}

/**
 * The `@example` blocks of everything that packages export. They show a use, not a file, so the
 * public names in them are imported for them; everything else they must declare.
 */
export function publicExamples(): Snippet[] {
  const entries = publicEntries();
  const program = programOf(entries.map(({ path }) => path));
  const home = new Map<string, string>(); // Public name → where to import it from.
  const surfaces = entries.map((entry) => ({ entry, names: exportsOf(program, entry.path) }));
  for (const { entry, names } of surfaces) {
    for (const { name } of names) if (!home.has(name)) home.set(name, entry.specifier);
  }
  const seen = new Set<ts.Node>();
  return surfaces.flatMap(({ entry, names }) => {
    const own = new Map([...home, ...names.map(({ name }) => [name, entry.specifier] as const)]);
    return names.flatMap(({ symbol }) =>
      (symbol.declarations ?? []).flatMap((declaration) => {
        if (seen.has(declaration)) return [];
        seen.add(declaration);
        return examplesIn(declaration).map((example) => withImports(example, own));
      }),
    );
  });
}

function examplesIn(declaration: ts.Node): Snippet[] {
  const file = declaration.getSourceFile();
  const found: Snippet[] = [];
  const visit = (node: ts.Node): void => {
    for (const tag of ts.getJSDocTags(node)) {
      if (tag.tagName.text !== "example" || tag.parent.parent !== node) continue;
      // The comment's own text, since TypeScript would read `@` and links inside of it.
      const raw = file.text.slice(tag.tagName.end, tag.end);
      const lines = raw.split("\n").map((line) => line.replace(/^\s*\* ?/, ""));
      const code = lines.map((line) => (/^\s*```/.test(line) ? "" : line)).join("\n");
      const line = file.getLineAndCharacterOfPosition(tag.tagName.end).line + 1;
      found.push({
        page: file.fileName.slice(ROOT.length + 1),
        line,
        code: code.replace(/\*\/?\s*$/, ""),
      });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration);
  return found;
}

function withImports(example: Snippet, home: ReadonlyMap<string, string>): Snippet {
  const file = ts.createSourceFile("x.ts", example.code, ts.ScriptTarget.Latest, true);
  const used = new Set<string>();
  const declared = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) (isDeclaration(node) ? declared : used).add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(file);
  const prelude = [...used]
    .filter((name) => home.has(name) && !declared.has(name))
    .map((name) => `import { ${name} } from "${home.get(name)}";\n`)
    .join("")
    // A type imported as a value is refused under verbatimModuleSyntax; `type` refuses a value.
    .replaceAll(/import \{ (\w+) \}/g, (whole, name: string) =>
      isTypeOnly(file, name) ? `import { type ${name} }` : whole,
    );
  return { ...example, prelude };
}

function isDeclaration(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isImportSpecifier(parent) || ts.isBindingElement(parent)) return true;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isPropertyAssignment(parent)) return parent.name === node;
  return "name" in parent && parent.name === node && !ts.isShorthandPropertyAssignment(parent);
}

function isTypeOnly(file: ts.SourceFile, name: string): boolean {
  let typeOnly = true;
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && node.text === name && !ts.isTypeReferenceNode(node.parent)) {
      typeOnly = false;
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return typeOnly;
}
