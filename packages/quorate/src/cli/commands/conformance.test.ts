/**
 * The suite from the command line, on engines as users hand them in.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { runCommandLine } from "../run.ts";
import { typedTerminal } from "../terminal.fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "quorate-conformance-"));
afterAll(() => rmSync(folder, { recursive: true }));

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../conformance/${name}.fixture.ts`, import.meta.url));

interface Verdict {
  readonly ok: boolean;
  readonly planned: number;
  readonly passed: number;
  readonly failed: readonly { readonly name: string; readonly failure: string }[];
  readonly gatedOff: readonly object[];
  readonly without: readonly string[];
}

async function judged(name: string, ...more: readonly string[]) {
  const { own, said } = typedTerminal();
  const words = ["conformance", fixture(name), "--json", ...more];
  const code = await runCommandLine(words, own);
  return { code, verdict: JSON.parse(said.out) as Verdict };
}

describe("an engine of a user's", () => {
  it("that keeps the contract passes, and what was not tried is told", async () => {
    const { code, verdict } = await judged("good-engine", "--only", "put and get");
    expect(verdict).toMatchObject({ ok: true, failed: [] });
    expect(verdict.passed).toBeGreaterThan(5);
    expect(verdict.passed + verdict.gatedOff.length).toBe(verdict.planned);
    expect(verdict.without).toContain("cutLink");
    expect(code).toBe(0);
  });

  it("that breaks it fails, case by case, and no case hangs", async () => {
    const more = ["--only", "put and get", "--case-timeout", "300"];
    const { code, verdict } = await judged("bad-engine", ...more);
    expect(code).toBe(1);
    expect(verdict.ok).toBe(false);
    expect(verdict.failed.length).toBeGreaterThan(0);
    for (const { failure } of verdict.failed) expect(failure).toMatch(/\[seed \d+\]|did not end/);
  });

  it("is given up by Ctrl-C, and that is no success", async () => {
    const { interrupt, own, said } = typedTerminal();
    const write = own.write;
    const watching = {
      ...own,
      write: (text: string) => {
        write(text);
        if (text.includes("✓")) interrupt();
      },
    };
    const words = ["conformance", fixture("good-engine"), "--only", "put and get"];
    expect(await runCommandLine(words, watching)).toBe(1);
    expect(said.out).toMatch(/stopped: 1 of \d+ cases ran/);
  });
});

describe("a module that is no engine", () => {
  it.each([
    ["is not there", "./nowhere.mjs", "nowhere.mjs"],
    ["exports none", "none.mjs", "exports createBackend(options) or createHarness()"],
    ["exports a backend that is open", "open.mjs", "exports createBackend(options)"],
    ["throws", "throws.mjs", "boom"],
    ["has a harness of its own kind", "harness.mjs", "createHarness() that returns a Harness"],
  ])("%s: is told so, and ends with 2", async (_, file, problem) => {
    writeFileSync(join(folder, "none.mjs"), "export const x = 1;");
    writeFileSync(join(folder, "open.mjs"), "export const backend = { kv: {} };");
    writeFileSync(join(folder, "throws.mjs"), 'throw new Error("boom");');
    writeFileSync(join(folder, "harness.mjs"), "export const createHarness = () => ({});");
    const { own, said } = typedTerminal();
    expect(await runCommandLine(["conformance", join(folder, file)], own)).toBe(2);
    expect(said.err).toContain(problem);
    expect(said.err).toMatch(/code INVALID_ARGUMENT.*exit 2\n {2}cure/);
  });

  it("is told where no case has such a name", async () => {
    const { own, said } = typedTerminal();
    const words = ["conformance", fixture("good-engine"), "--only", "no such case"];
    expect(await runCommandLine(words, own)).toBe(2);
    expect(said.err).toContain("--only");
  });
});
