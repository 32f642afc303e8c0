import { expect, it } from "vitest";
import { runCommandLine } from "../run.ts";
import { typedTerminal } from "../terminal.fixture.ts";
import type { Screen, Terminal } from "../terminal.ts";

/** A window of ten lines, and somebody at its keyboard. */
function window(): { terminal: Terminal; press(key: string): void; log: string[] } {
  const { own } = typedTerminal();
  const log: string[] = [];
  let hear: (key: string) => void = () => {};
  const screen: Screen = {
    size: () => ({ columns: 40, rows: 10 }),
    open(onKey) {
      hear = onKey;
      log.push("taken");
      return () => void log.push("given back");
    },
  };
  const terminal = { ...own, screen, write: (text: string) => void log.push(text) };
  return { terminal, log, press: (key) => hear(key) };
}

it.each(["q", "\u0003"])("draws frame after frame in one write each, until %j", async (key) => {
  const { terminal, log, press } = window();
  const ended = runCommandLine(["top"], terminal);
  await expect.poll(() => log.length, { timeout: 4_000 }).toBeGreaterThanOrEqual(3);
  press("x");
  press(key);
  expect(await ended).toBe(0);
  const frames = log.slice(1, -1);
  expect([log[0], log.at(-1)]).toEqual(["taken", "given back"]);
  for (const frame of frames) {
    expect(frame.startsWith("\u001b[Hquorate top")).toBe(true);
    expect(frame.split("\r\n").length).toBeLessThanOrEqual(10);
  }
});

it("gives the window back where drawing fails", async () => {
  const { terminal, log } = window();
  const broken = {
    ...terminal,
    write: () => {
      throw new Error("the pipe is broken");
    },
  };
  expect(await runCommandLine(["top"], broken)).not.toBe(0);
  expect(log).toEqual(["taken", "given back"]);
});

it("looks once into a pipe, and gives one JSON value where asked", async () => {
  const piped = typedTerminal();
  expect(await runCommandLine(["top"], piped.own)).toBe(0);
  expect(piped.said.out).toMatch(/^quorate top [^]*members: 0 groups\n$/);
  const asked = typedTerminal();
  expect(await runCommandLine(["top", "--json"], asked.own)).toBe(0);
  expect(JSON.parse(asked.said.out)).toMatchObject({
    locks: { rows: [] },
    sagas: { isBad: false },
  });
});
