/**
 * The manners of the command line, whatever the command.
 */
import { QuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";
import type { Command } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { runCommandLine } from "./run.ts";
import { typedTerminal } from "./terminal.fixture.ts";

let done = 0;
const erase: Command = {
  path: ["erase"],
  args: ["name"],
  summary: "for the test",
  warning: ([name = ""]) => `This erases ${name}.`,
  run: async ({ show }) => {
    done += 1;
    show([{ erased: done }], "");
    return 0;
  },
};
const fail: Command = {
  isLocal: true,
  path: ["fail"],
  args: [],
  summary: "for the test",
  run: async () => {
    throw new QuorateError("STORE_REFUSED", "redis://bob:secret@h refused", {
      effect: "none",
      details: { operation: "x", reason: "y" },
    });
  },
};

async function type(line: string, answer?: string) {
  const { own, said } = typedTerminal(answer);
  const code = await runCommandLine(line.split(" "), own, [erase, fail]);
  return { code, ...said };
}

describe("what cannot be taken back", () => {
  it("is said first, and refused where nobody is there to ask", async () => {
    const before = done;
    const refused = await type("erase a");
    expect(refused).toMatchObject({ code: 1, out: "" });
    expect(refused.err).toMatch(
      /^This erases a\.\n[^]*NOT_CONFIRMED.*exit 1\n {2}cure: give --yes/,
    );
    expect(done).toBe(before);
  });

  it.each([
    ["erase a", "yes", 0],
    ["erase a", "no", 1],
    ["erase a", "", 1],
    ["erase a", "y", 1],
    ["erase a --yes", undefined, 0],
  ])("%j, answered %j, ends with %i", async (line, answer, code) => {
    const before = done;
    expect((await type(line, answer)).code).toBe(code);
    expect(done - before).toBe(code === 0 ? 1 : 0);
  });
});

describe("Ctrl-C", () => {
  const wait = (isEndless: boolean): Command => ({
    isLocal: true,
    path: ["wait"],
    args: [],
    summary: "for the test",
    ...(isEndless && { isEndless: true }),
    run: ({ terminal: { signal } }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      }),
  });

  it.each([
    [true, 0, ""],
    [false, 1, "INTERRUPTED"],
  ])("of what is endless (%s) ends it with %i", async (isEndless, code, said) => {
    const typed = typedTerminal();
    const ended = runCommandLine(["wait"], typed.own, [wait(isEndless)]);
    typed.interrupt();
    expect(await ended).toBe(code);
    expect(typed.said.err).toContain(said);
  });
});

describe("with --json", () => {
  it("standard output is one value, and what went wrong is one too, elsewhere", async () => {
    expect(JSON.parse((await type("erase a --yes --json")).out)).toHaveLength(1);
    for (const line of ["fail --json", "nosuch --json", "erase a --json"]) {
      const { code, err, out } = await type(line);
      const last = err.trim().split("\n").at(-1) ?? "";
      expect(JSON.parse(last)).toMatchObject({ error: { exitCode: code } });
      expect(out).toBe("");
    }
  });
});

it("what was refused ends with code, exit code and cure, and shows no password", async () => {
  const { code, err } = await type("fail");
  expect(code).toBe(1);
  expect(err).toMatch(/code STORE_REFUSED, effect none, exit 1\n {2}cure: .*quorate doctor/);
  expect(err).not.toContain("secret");
});

it.each(["nosuch", "erase", "erase a b", "erase a --nosuch", "erase a --url", "fail --redis"])(
  "%j is misuse, and ends with 2",
  async (line) => {
    expect(await type(line)).toMatchObject({ code: 2, out: "" });
  },
);

it("a URL that was put where no URL belongs is told without its password", async () => {
  expect((await type("erase a redis://bob:secret@h:1")).err).not.toContain("secret");
  expect((await type("redis://bob:secret@h:1")).err).not.toContain("secret");
});

it("a store that is not there ends with 2", async () => {
  const { code, err } = await type("erase a --yes --url nats://bob:secret@127.0.0.1:1");
  expect(code).toBe(2);
  expect(err).toContain("STORE_UNAVAILABLE");
  expect(err).not.toContain("secret");
});

describe("the help of every command", () => {
  it.each(COMMANDS.map((command) => [command.path.join(" "), command] as const))(
    "%s: tells its options, its warning and its exit codes, without escapes",
    async (path, { options = [], summary, warning }) => {
      const { own, said } = typedTerminal();
      expect(await runCommandLine([...path.split(" "), "--help"], own)).toBe(0);
      expect(said.out.replaceAll(/\s+/g, " ")).toContain(summary);
      for (const { name } of options) expect(said.out).toContain(`--${name}`);
      if (warning !== undefined) expect(said.out).toContain("Asks first");
      expect(said.out).not.toContain("\u001b");
      // But what is to be copied stays in one line.
      const lines = said.out.split("\n").filter((line) => !line.startsWith("  $ "));
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
    },
  );
});
