import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";

import { deferred } from "./abort.ts";
import { withDeadline } from "./deadline.ts";
import { ScriptedRuntime } from "./testing.ts";

const late = new Error("late");
const onTimeout = () => late;

describe("withDeadline", () => {
  it("settles as the promise does, and takes its timer and listener away", async () => {
    const runtime = new ScriptedRuntime();
    const { signal } = new AbortController();
    const options = { timeoutMs: 10, signal, onTimeout };
    expect(await withDeadline(runtime, Promise.resolve(5), options)).toBe(5);
    const bad = new Error("bad");
    await expect(withDeadline(runtime, Promise.reject(bad), options)).rejects.toBe(bad);
    expect(runtime.pendingTimers).toBe(0);
    expect(getEventListeners(signal, "abort").length).toBe(0);
  });

  it("rejects at the deadline with the caller's error, whatever comes later", async () => {
    const runtime = new ScriptedRuntime();
    const answer = deferred<number>();
    const call = withDeadline(runtime, answer.promise, { timeoutMs: 10, onTimeout });
    const failed = call.catch((error: unknown) => error);
    await runtime.advance(9);
    expect(runtime.pendingTimers).toBe(1);
    await runtime.advance(1);
    expect(await failed).toBe(late);
    answer.reject(new Error("nobody hears this"));
    await runtime.advance(1);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("rejects with the signal's reason, or with what the caller makes of it", async () => {
    const runtime = new ScriptedRuntime();
    const control = new AbortController();
    const { signal } = control;
    const never = new Promise<never>(() => {});
    const plain = withDeadline(runtime, never, { timeoutMs: 10, signal, onTimeout });
    const onAborted = (reason: unknown) => new Error("made", { cause: reason });
    const made = withDeadline(runtime, never, { timeoutMs: 10, signal, onTimeout, onAborted });
    control.abort("why");
    await expect(plain).rejects.toBe("why");
    await expect(made).rejects.toMatchObject({ message: "made", cause: "why" });
    expect(runtime.pendingTimers).toBe(0);
    const before = withDeadline(runtime, never, { timeoutMs: 10, signal, onTimeout });
    await expect(before).rejects.toBe("why");
    expect(runtime.pendingTimers).toBe(0);
  });
});
