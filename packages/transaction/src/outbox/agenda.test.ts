import { ScriptedRuntime } from "@quorate/core/testing";
import { expect, it } from "vitest";

import { Agenda } from "./agenda.ts";

it("gives out a lane once, and again where there was news of it meanwhile", async () => {
  const agenda = new Agenda(new ScriptedRuntime(), 10);
  agenda.note("a", 1);
  agenda.note("a", 1);
  expect(await agenda.next()).toBe("a");
  const waiting = agenda.next();
  agenda.note("a", 2);
  agenda.done("a", "nothing");
  expect(await waiting).toBe("a");
  agenda.done("a", "nothing");
  expect(agenda.size).toBe(0);
});

it("gives out a resting lane when its rest is over, or when there is news", async () => {
  const runtime = new ScriptedRuntime();
  const agenda = new Agenda(runtime, 10);
  const given: (string | undefined)[] = [];
  for (const name of ["a", "b"]) {
    agenda.note(name, 1);
    await agenda.next();
    agenda.done(name, { restMs: name === "a" ? 1_000 : 5_000 });
  }
  for (let n = 0; n < 2; n++) void agenda.next().then((name) => given.push(name));
  await runtime.advance(999);
  expect(given).toEqual([]);
  await runtime.advance(1);
  expect(given).toEqual(["a"]);
  agenda.note("b", 2);
  await runtime.advance(0);
  expect(given).toEqual(["a", "b"]);
  agenda.close();
  expect(await agenda.next()).toBeUndefined();
  expect(runtime.pendingTimers).toBe(0);
});

it("is bounded, says what it left out, and knows its oldest", async () => {
  const agenda = new Agenda(new ScriptedRuntime(), 2);
  for (const [name, atMs] of [
    ["a", 9],
    ["b", 4],
    ["c", 1],
  ] as const)
    agenda.note(name, atMs);
  expect([agenda.size, agenda.overflowed, agenda.oldestAtMs]).toEqual([2, true, 4]);
  agenda.forget("b");
  expect(agenda.oldestAtMs).toBe(9);
});
