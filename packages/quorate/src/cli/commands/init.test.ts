/**
 * The first file: what is written, and that it runs.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { runCommandLine } from "../run.ts";
import { typedTerminal } from "../terminal.fixture.ts";

// Inside the repository, so that what it imports is found; ignored by git.
const root = fileURLToPath(new URL("../../../../../.quorate/", import.meta.url));
mkdirSync(root, { recursive: true });
const folder = mkdtempSync(join(root, "init-"));
afterAll(() => rmSync(folder, { recursive: true }));

let made = 0;
function emptyFolder(files: Readonly<Record<string, string>> = {}): string {
  const dir = join(folder, String(++made));
  mkdirSync(dir);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  return dir;
}

async function init(dir: string, more: readonly string[] = ["--yes"], answer?: string) {
  const { own, said } = typedTerminal(answer);
  const code = await runCommandLine(["init", "--dir", dir, ...more], own);
  return { code, ...said };
}

it("writes a module that runs as it is", async () => {
  const dir = emptyFolder({ "package.json": '{ "name": "@acme/web-shop" }' });
  const { code, out } = await init(dir);
  expect(code).toBe(0);
  expect(out).toContain("node quorate.mjs");
  const text = readFileSync(join(dir, "quorate.mjs"), "utf8");
  expect(text).toContain('namespace: "acme-web-shop"');
  const words = ["-C", "@quorate/source", "--import", "tsx", "quorate.mjs"];
  const env = { ...process.env, QUORATE_URL: "memory:" };
  const said = execFileSync(process.execPath, words, { cwd: dir, encoding: "utf8", env });
  expect(said).toMatch(/it works: fenced by \d+ \{[^]*ok: true/);
});

it("writes TypeScript where there is a tsconfig.json", async () => {
  const dir = emptyFolder({ "tsconfig.json": "{}" });
  const { out } = await init(dir);
  expect(out).toContain("npx tsx quorate.ts");
  expect(readFileSync(join(dir, "quorate.ts"), "utf8")).toContain("npx tsx quorate.ts");
});

it("takes the namespace that is told, or typed, or else a fair guess", async () => {
  const namespaceIn = (dir: string): string | undefined =>
    /namespace: "(.+)"/.exec(readFileSync(join(dir, "quorate.mjs"), "utf8"))?.[1];
  const cases = [
    { more: ["--namespace", "told"], answer: "typed", expected: "told" },
    { more: [], answer: "typed", expected: "typed" },
    { more: [], answer: "", expected: "quorate" },
    { more: [], answer: undefined, expected: "quorate" },
    { more: ["--yes"], answer: "typed", expected: "quorate" },
  ];
  for (const { answer, expected, more } of cases) {
    const dir = emptyFolder({ "package.json": "not JSON" });
    expect((await init(dir, more, answer)).code).toBe(0);
    expect(namespaceIn(dir)).toBe(expected);
  }
});

it("never overwrites, and says what to do instead", async () => {
  const dir = emptyFolder({ "quorate.mjs": "mine" });
  const { code, err } = await init(dir);
  expect(code).toBe(2);
  expect(err).toContain("quorate.mjs is there, and was left as it is");
  expect(readFileSync(join(dir, "quorate.mjs"), "utf8")).toBe("mine");
  expect((await init(dir, ["--yes", "--file", "store.mjs"])).code).toBe(0);
});

it.each([
  [["--namespace", 'x"; evil()'], "namespace"],
  [["--file", "no/such/folder/q.mjs"], "--file"],
])("refuses %j before anything is written", async (more, problem) => {
  const { code, err } = await init(emptyFolder(), more);
  expect(code).toBe(2);
  expect(err).toContain(problem);
});
