import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { MAX_WAITING, Turns } from "./turns.ts";

function world() {
  const runtime = new ScriptedRuntime();
  const log: string[] = [];
  return { runtime, log, turns: new Turns(runtime), note: (word: string) => () => log.push(word) };
}

describe("turns of the loop", () => {
  it("run the first work at once, and each other in a turn of its own", async () => {
    const { log, note, runtime, turns } = world();
    for (const word of ["a", "b", "c"]) turns.take(note(word));
    expect(log).toEqual(["a"]);
    await runtime.advance(0);
    expect(log).toEqual(["a", "b", "c"]);
    turns.take(note("d"));
    expect(log.at(-1)).toBe("d");
  });

  it("let light work pass where nothing waits, and keep it in order elsewhere", async () => {
    const { log, note, runtime, turns } = world();
    turns.take(note("frame"));
    turns.after(note("cancel"));
    expect(log).toEqual(["frame", "cancel"]);
    turns.take(note("second frame"));
    turns.after(note("its cancel"));
    expect(log).toEqual(["frame", "cancel"]);
    await runtime.advance(0);
    expect(log.slice(2)).toEqual(["second frame", "its cancel"]);
  });

  it("run the oldest at once where too many wait", () => {
    const { log, note, turns } = world();
    for (let index = 0; index <= MAX_WAITING + 1; index++) turns.take(note(String(index)));
    expect(log).toEqual(["0", "1"]);
  });

  it("run all that waits when they are drained", async () => {
    const { log, note, runtime, turns } = world();
    for (const word of ["a", "b", "c"]) turns.take(note(word));
    turns.drain();
    expect(log).toEqual(["a", "b", "c"]);
    await runtime.advance(0);
    expect(log).toEqual(["a", "b", "c"]);
  });
});
