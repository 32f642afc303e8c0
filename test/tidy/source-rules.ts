/**
 * Rules of style that a machine can judge, one function each: text in, findings out.
 *
 * The most important one keeps time and chance out of the code: whoever reads a clock, sets a
 * timer or draws a number outside the runtime cannot be replayed by the simulator.
 */
import ts from "typescript";

import type { SourceText } from "../support/repository.ts";
import type { Finding } from "./finding.ts";
import { lineOf, treeOf, walk } from "./syntax.ts";

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 70;
const MAX_COLUMNS = 100;

const FROM_RUNTIME = "Take it from the injected Runtime; only packages/core/src/runtime/ may";

// A property of a global: what is read, not only what is called, since a reference can be passed.
const BANNED_MEMBERS: Readonly<Record<string, readonly string[] | "all">> = {
  Date: ["now"],
  performance: "all",
  Math: ["random"],
  console: "all",
  process: ["hrtime", "uptime", "stdout", "stderr"],
  crypto: "all",
  AbortSignal: ["timeout"],
};
const BANNED_GLOBALS = ["setTimeout", "setInterval", "setImmediate"];
const BANNED_MODULES = [
  "node:timers",
  "node:timers/promises",
  "node:perf_hooks",
  "node:console",
  "uuid",
];
const BANNED_CRYPTO = ["randomBytes", "randomInt", "randomUUID", "randomFillSync", "webcrypto"];

/** Clocks, timers, randomness and the console. */
export function checkRuntime(source: SourceText): Finding[] {
  const file = treeOf(source);
  const findings: Finding[] = [];
  const add = (node: ts.Node, problem: string): void => {
    const line = lineOf(file, node.getStart());
    findings.push({ path: source.path, line, problem, cure: FROM_RUNTIME });
  };
  walk(file, (node) => {
    const name = bannedName(node);
    if (name !== undefined) add(node, `uses ${name}`);
  });
  return findings;
}

function bannedName(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node)) return bannedMember(node);
  if (ts.isIdentifier(node) && BANNED_GLOBALS.includes(node.text)) {
    // `runtime.setTimeout`, `{ setTimeout: … }` and types are someone else's names.
    const { parent } = node;
    const free = ts.isCallExpression(parent) || ts.isVariableDeclaration(parent);
    return free && (!ts.isVariableDeclaration(parent) || parent.initializer === node)
      ? node.text
      : undefined;
  }
  if (ts.isNewExpression(node) && node.expression.getText() === "Date") {
    return (node.arguments?.length ?? 0) === 0 ? "new Date()" : undefined;
  }
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    const module = node.moduleSpecifier.text;
    if (BANNED_MODULES.includes(module)) return module;
    const names = node.importClause?.namedBindings;
    if (module !== "node:crypto" || names === undefined || !ts.isNamedImports(names)) {
      return undefined;
    }
    const taken = names.elements.map(({ propertyName, name }) => (propertyName ?? name).text);
    return taken.find((name) => BANNED_CRYPTO.includes(name));
  }
  return undefined;
}

function bannedMember({ expression, name }: ts.PropertyAccessExpression): string | undefined {
  const global = expression.getText();
  if (global === "globalThis") {
    return BANNED_GLOBALS.includes(name.text) ? `globalThis.${name.text}` : undefined;
  }
  const members = ts.isIdentifier(expression) ? ownMembers(global) : undefined;
  const banned = members === "all" || members?.includes(name.text) === true;
  return banned ? `${global}.${name.text}` : undefined;
}

function ownMembers(global: string): readonly string[] | "all" | undefined {
  return Object.hasOwn(BANNED_MEMBERS, global) ? BANNED_MEMBERS[global] : undefined;
}

/** Long files, long functions, long lines. */
export function checkSizes(source: SourceText): Finding[] {
  const { path, text } = source;
  const lines = text.replace(/\n$/, "").split("\n");
  const findings: Finding[] = [];
  if (lines.length > MAX_FILE_LINES) {
    const problem = `has ${lines.length} lines, over ${MAX_FILE_LINES}`;
    findings.push({ path, line: MAX_FILE_LINES + 1, problem, cure: "Split it by role" });
  }
  for (const [index, content] of lines.entries()) {
    const tooLong = [...content].length > MAX_COLUMNS && !/https?:\/\//.test(content);
    if (!tooLong) continue;
    const problem = `is ${[...content].length} columns wide, over ${MAX_COLUMNS}`;
    findings.push({ path, line: index + 1, problem, cure: "Break the line" });
  }
  const file = treeOf(source);
  walk(file, (node) => {
    if (!ts.isFunctionLike(node) || !("body" in node) || isSuite(node)) return;
    const first = lineOf(file, node.getStart());
    const length = lineOf(file, node.getEnd()) - first + 1;
    if (length <= MAX_FUNCTION_LINES) return;
    const problem = `function of ${length} lines, over ${MAX_FUNCTION_LINES}`;
    findings.push({ path, line: first, problem, cure: "Name its parts and call them" });
  });
  return findings;
}

// The callback of `describe` is a chapter, not a function: its tests are judged one by one.
function isSuite(node: ts.Node): boolean {
  const { parent } = node;
  return ts.isCallExpression(parent) && /^(describe|suite)\b/.test(parent.expression.getText());
}

// `quorate/lock` means "whatever @quorate/lock has": a second list could only fall behind.
const SUB_PATH = /^packages\/quorate\/src\/sub-paths\/[a-z/-]+\.ts$/;

/** Default exports and `export *`: a public name is written down where it is made public. */
export function checkExports(source: SourceText): Finding[] {
  const file = treeOf(source);
  const findings: Finding[] = [];
  walk(file, (node) => {
    const line = lineOf(file, node.getStart());
    const star = ts.isExportDeclaration(node) && node.exportClause === undefined;
    const namespace =
      ts.isExportDeclaration(node) &&
      node.exportClause !== undefined &&
      ts.isNamespaceExport(node.exportClause);
    if ((star || namespace) && !SUB_PATH.test(source.path)) {
      const cure = "List the names by hand";
      findings.push({ path: source.path, line, problem: "exports a star", cure });
    }
    const isDefault =
      ts.isExportAssignment(node) ||
      (ts.canHaveModifiers(node) &&
        ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) === true);
    if (isDefault) {
      const cure = "Export it by its name";
      findings.push({ path: source.path, line, problem: "has a default export", cure });
    }
  });
  return findings;
}

// Each pattern has a letter in brackets, so that this file does not find itself.
const UNFINISHED = /\b(TO[D]O|FIX[M]E|X[X]X)\b/;
const SILENCED = /\b(it|test|describe|suite)(\.\w+)*\.(onl[y]|ski[p])\b/;

/** Tests that are switched off or alone, and notes of unfinished work. */
export function checkFinished({ path, text }: SourceText): Finding[] {
  return text.split("\n").flatMap((content, index) => {
    const line = index + 1;
    const silenced = SILENCED.exec(content)?.[0];
    const unfinished = UNFINISHED.exec(content)?.[0];
    return [
      ...(silenced === undefined
        ? []
        : [{ path, line, problem: `has ${silenced}`, cure: "Run it, or use skipIf with needs()" }]),
      ...(unfinished === undefined
        ? []
        : [{ path, line, problem: `says ${unfinished}`, cure: "Do it, or file an issue" }]),
    ];
  });
}

/**
 * A Lua script says first what it is called, what it takes and what it returns. A fragment, which
 * others take in by `-- @include name`, says at least what it is for.
 */
export function checkLua(scripts: readonly SourceText[]): Finding[] {
  const includes = scripts.flatMap(({ text }) => [...text.matchAll(/^-- @include (\S+)/gm)]);
  const fragments = new Set(includes.map(([, name]) => name));
  return scripts.flatMap(({ path, text }) => {
    const name =
      path
        .split("/")
        .at(-1)
        ?.replace(/\.lua$/, "") ?? "";
    const header = /^(?:--.*\n)*/.exec(text)?.[0] ?? "";
    const contract: readonly [RegExp, string][] = [
      [new RegExp(`^-- ?${name}:`), `begin with "-- ${name}:"`],
      [/\b(KEYS|ARGV)\b/, "name KEYS and ARGV"],
      [/\b[Rr]eturns?\b/, "say what it returns"],
    ];
    const purpose: readonly [RegExp, string][] = [[/^--/, "say what the fragment is for"]];
    return (fragments.has(name) ? purpose : contract)
      .filter(([pattern]) => !pattern.test(header))
      .map(([, cure]) => ({
        path,
        line: 1,
        problem: "has no contract header",
        cure: `The first comment must ${cure}`,
      }));
  });
}
