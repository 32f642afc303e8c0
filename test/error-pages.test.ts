/**
 * A page for each error code, docs/errors/<CODE>.md: its head follows from `codes.ts` and the table
 * of docs/errors.md (QUORATE_UPDATE=1 writes it), the rest is written by hand and compiled with the
 * other pages.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import ts from "typescript";
import { describe, expect, it } from "vitest";

import { listFiles, readSource, ROOT } from "./support/repository.ts";

const FOLDER = join(ROOT, "docs", "errors");
const START = "<!-- from codes.ts and docs/errors.md -->\n";
const END = "<!-- end -->";

const source = readSource("packages/core/src/errors/codes.ts");
const table = readSource("docs/errors.md").text;

/** What is public, and the verbs of the command line. */
const surfaces = [...listFiles("test/api"), ...listFiles("packages/quorate/src/cli/commands")]
  .map((path) => readSource(path).text)
  .join("\n");

/** The facts of each code, as `codes.ts` declares them: "`key`: string". */
const facts = new Map<string, string[]>();
const file = ts.createSourceFile(source.path, source.text, ts.ScriptTarget.Latest, true);
for (const node of file.statements) {
  if (!ts.isInterfaceDeclaration(node) || node.name.text !== "ErrorDetails") continue;
  for (const member of node.members) {
    if (!ts.isPropertySignature(member) || !member.type || !ts.isTypeLiteralNode(member.type)) {
      continue;
    }
    facts.set(member.name.getText(), member.type.members.map(factOf));
  }
}

function factOf(member: ts.TypeElement): string {
  const { name, questionToken, type } = member as ts.PropertySignature;
  const comment = ts
    .getJSDocCommentsAndTags(member)
    .map((doc) => doc.comment)
    .find(Boolean);
  const says = typeof comment === "string" ? `. ${comment.replaceAll(/\s+/g, " ")}` : "";
  const isOptional = questionToken === undefined ? "" : ", if known";
  const shape = type?.getText().replaceAll(/\s+/g, " ").replaceAll("|", "or") ?? "";
  return `- \`details.${name.getText()}\`: ${shape.replaceAll('"', "`")}${isOptional}${says}`;
}

function headOf(code: string): string {
  const row = new RegExp(`^\\| \`${code}\` \\| (.*?) \\| (.*?) \\| (.*?) \\| (.*?) \\|$`, "m");
  const [, effect = "", again = "", meaning = "", cure = ""] = row.exec(table) ?? [];
  const repeat = again === "yes" ? "the same call may succeed later" : "only after a change";
  return [
    meaning,
    "",
    `- Did it happen? \`effect\` is ${effect}.`,
    `- Again? ${again}: ${repeat}.`,
    `- What to do: ${cure}`,
    ...(facts.get(code) ?? []),
    "",
    "[All codes](../errors.md)",
    "",
  ].join("\n");
}

const codes = [...facts.keys()];

describe("the pages of the errors", () => {
  it("are one for each code", () => {
    expect(codes.length).toBeGreaterThan(40);
    expect(readdirSync(FOLDER).toSorted()).toEqual(codes.map((code) => `${code}.md`).toSorted());
  });

  it("are all linked from docs/errors.md", () => {
    const linked = [...table.matchAll(/\(errors\/([A-Z_]+)\.md\)/g)].map(([, code]) => code);
    expect(linked).toEqual(codes);
  });

  it.each(codes)("%s says what the table says, and shows its own code", (code) => {
    const path = join(FOLDER, `${code}.md`);
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    const [start, end] = [text.indexOf(START) + START.length, text.indexOf(END)];
    if (process.env["QUORATE_UPDATE"] !== undefined) {
      writeFileSync(path, text.slice(0, start) + headOf(code) + text.slice(end));
    }
    const now = readFileSync(path, "utf8");
    expect(now.startsWith(`# ${code}\n`)).toBe(true);
    expect(now.slice(start, now.indexOf(END))).toBe(headOf(code));
    const headings = [...now.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(["Why it happens", "Who throws it", "In code"]);
    expect(now).toContain(`isQuorateError(error, "${code}")`);
  });

  it.each(codes)("%s names only calls that there are", (code) => {
    const { text } = readSource(`docs/errors/${code}.md`);
    const who = text.slice(text.indexOf("## Who throws it"), text.indexOf("## In code"));
    const called = [...who.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
    const unknown = called.filter((name) => !isPublic(name));
    expect(unknown).toEqual([]);
  });
});

/** The last word of `lock.check()`, `@Locked`, `quorate leader`, somewhere in a public surface. */
function isPublic(name: string): boolean {
  if (name.startsWith("@quorate/")) return existsSync(join(ROOT, "packages", name.slice(9)));
  const [word = ""] = /[A-Za-z]+(?=[^A-Za-z]*$)/.exec(name) ?? [];
  return new RegExp(`\\b${word}\\b`).test(surfaces);
}
