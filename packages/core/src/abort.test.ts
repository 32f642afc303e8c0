import { spawnSync } from "node:child_process";
import { getEventListeners } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

import { deferred, linkedController, onAbort, raceAbort, sleep } from "./abort.ts";
import { withDeadline } from "./deadline.ts";
import { Feed } from "./feed.ts";
import { ScriptedRuntime } from "./testing.ts";

const listeners = (signal: AbortSignal) => getEventListeners(signal, "abort").length;
const reason = new Error("stop");

describe("onAbort", () => {
  it("calls at once where the signal has aborted, and never without a signal", () => {
    let calls = 0;
    const count = () => (calls += 1);
    onAbort(undefined, count)();
    expect(calls).toBe(0);
    onAbort(AbortSignal.abort(), count)();
    expect(calls).toBe(1);
  });

  it("calls once, and not after unsubscribing", () => {
    const control = new AbortController();
    const calls: string[] = [];
    onAbort(control.signal, () => calls.push("kept"));
    onAbort(control.signal, () => calls.push("dropped"))();
    control.abort();
    control.abort();
    expect(calls).toEqual(["kept"]);
    expect(listeners(control.signal)).toBe(0);
  });
});

describe("many listeners of one signal", () => {
  it("are one listener to the signal, which Node does not warn of", () => {
    const control = new AbortController();
    const order: number[] = [];
    const offs = Array.from({ length: 1_000 }, (_, index) =>
      onAbort(control.signal, () => order.push(index)),
    );
    expect(listeners(control.signal)).toBe(1);
    for (const off of offs.slice(3)) off();
    control.abort();
    expect(order).toEqual([0, 1, 2]);
    offs[0]?.();
    expect(listeners(control.signal)).toBe(0);
  });

  it("are told apart, also where the same function listens twice", () => {
    const control = new AbortController();
    let calls = 0;
    const count = () => (calls += 1);
    const off = onAbort(control.signal, count);
    onAbort(control.signal, count);
    off();
    off();
    control.abort();
    expect(calls).toBe(1);
  });

  it("may unsubscribe each other while they are told", () => {
    const control = new AbortController();
    const told: string[] = [];
    const offs: (() => void)[] = [];
    onAbort(control.signal, () => {
      told.push("first");
      offs.forEach((off) => off());
    });
    offs.push(onAbort(control.signal, () => told.push("second")));
    control.abort();
    expect(told).toEqual(["first"]);
  });

  it("are all told, though one of them throws: that surfaces as an uncaught exception", () => {
    const module = fileURLToPath(new URL("abort.ts", import.meta.url));
    const script = `
      import { onAbort } from ${JSON.stringify(module)};
      process.on("uncaughtException", (error) => console.log(error.message));
      const control = new AbortController();
      onAbort(control.signal, () => { throw new Error("bad listener"); });
      onAbort(control.signal, () => console.log("told"));
      control.abort();`;
    const args = ["-C", "@quorate/source", "--import", "tsx", "--input-type=module", "-e", script];
    const { stdout } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 15_000 });
    expect(stdout).toBe("told\nbad listener\n");
  });
});

describe("raceAbort", () => {
  it("passes the promise's outcome through", async () => {
    const { signal } = new AbortController();
    expect(await raceAbort(Promise.resolve(7), signal)).toBe(7);
    await expect(raceAbort(Promise.reject(reason), signal)).rejects.toBe(reason);
    expect(listeners(signal)).toBe(0);
  });

  it("rejects with the signal's reason, also where it aborted before", async () => {
    const control = new AbortController();
    const raced = raceAbort(new Promise(() => {}), control.signal);
    control.abort(reason);
    await expect(raced).rejects.toBe(reason);
    await expect(raceAbort(Promise.resolve(1), control.signal)).rejects.toBe(reason);
  });

  it("does not leave a rejection unhandled that comes after the abort", async () => {
    const late = deferred<never>();
    const raced = raceAbort(late.promise, AbortSignal.abort(reason));
    late.reject(new Error("too late"));
    await expect(raced).rejects.toBe(reason);
  });
});

describe("sleep", () => {
  it("ends after its time, or with the signal's reason and its timer gone", async () => {
    const runtime = new ScriptedRuntime();
    const control = new AbortController();
    const ends: string[] = [];
    void sleep(runtime, 100).then(() => ends.push("slept"));
    const cut = sleep(runtime, 100, { signal: control.signal }).catch((error: unknown) => error);
    await runtime.advance(99);
    expect(ends).toEqual([]);
    control.abort(reason);
    expect(await cut).toBe(reason);
    expect(runtime.pendingTimers).toBe(1);
    await runtime.advance(1);
    expect(ends).toEqual(["slept"]);
    await expect(sleep(runtime, 1, { signal: control.signal })).rejects.toBe(reason);
    expect(runtime.pendingTimers).toBe(0);
  });
});

describe("linkedController", () => {
  it("aborts with the reason of the parent that aborts first", () => {
    const [one, two] = [new AbortController(), new AbortController()];
    const linked = linkedController(one.signal, undefined, two.signal);
    two.abort(reason);
    one.abort(new Error("later"));
    expect(linked.signal.reason).toBe(reason);
    expect(linkedController(two.signal).signal.reason).toBe(reason);
  });

  it("aborts by itself without touching its parents, and lets go of them", () => {
    const parent = new AbortController();
    const linked = linkedController(parent.signal);
    linked.abort(reason);
    expect(parent.signal.aborted).toBe(false);
    linked.detach();
    expect(listeners(parent.signal)).toBe(0);
  });
});

describe("a long-lived signal", () => {
  it("has no listener left after a hundred thousand uses of every helper", async () => {
    const runtime = new ScriptedRuntime();
    const { signal } = new AbortController();
    const onTimeout = () => new Error("never");
    for (let round = 0; round < 1_000; round++) {
      const batch = Array.from({ length: 25 }, () => [
        raceAbort(Promise.resolve(1), signal),
        raceAbort(Promise.reject(reason), signal).catch(() => {}),
        withDeadline(runtime, Promise.resolve(1), { timeoutMs: 10, signal, onTimeout }),
        withDeadline(runtime, Promise.reject(reason), { timeoutMs: 10, signal, onTimeout }).catch(
          () => {},
        ),
      ]).flat();
      linkedController(signal).detach();
      new Feed({ signal }).end();
      await Promise.all(batch);
    }
    expect(listeners(signal)).toBe(0);
    expect(runtime.pendingTimers).toBe(0);
  });
});
