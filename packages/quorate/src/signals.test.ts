import { deferred } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { closeOnSignal, type EndSignal } from "./signals.ts";

type Listener = (signal: EndSignal) => void;

/** A process that writes down what is done to it. */
function fakeProcess() {
  const listeners = new Map<string, Set<Listener>>();
  const killed: string[] = [];
  const of = (signal: string): Set<Listener> => {
    const found = listeners.get(signal) ?? new Set<Listener>();
    listeners.set(signal, found);
    return found;
  };
  return {
    pid: 7,
    killed,
    on: (signal: EndSignal, listener: Listener) => of(signal).add(listener),
    off: (signal: EndSignal, listener: Listener) => of(signal).delete(listener),
    kill: (pid: number, signal: EndSignal) => killed.push(`${pid} ${signal}`),
    send: (signal: EndSignal) => [...of(signal)].forEach((listener) => listener(signal)),
    get count() {
      return [...listeners.values()].reduce((sum, { size }) => sum + size, 0);
    },
  };
}

describe("a process that closes on a signal", () => {
  it("closes once, within the grace, and then ends by the signal", async () => {
    const target = fakeProcess();
    const graces: number[] = [];
    const done = deferred<void>();
    const close = async ({ graceMs }: { readonly graceMs: number }) => {
      graces.push(graceMs);
      await done.promise;
    };
    closeOnSignal(close, { graceMs: 250 }, target);
    target.send("SIGTERM");
    expect([graces, target.killed]).toEqual([[250], []]);
    done.resolve();
    await done.promise;
    await Promise.resolve();
    expect(target.killed).toEqual(["7 SIGTERM"]);
    expect(target.count).toBe(0);
  });

  it("ends at once by a second signal", () => {
    const target = fakeProcess();
    closeOnSignal(() => new Promise(() => {}), {}, target);
    target.send("SIGTERM");
    target.send("SIGINT");
    expect(target.killed).toEqual(["7 SIGINT"]);
  });

  it("ends all the same where closing fails", async () => {
    const target = fakeProcess();
    closeOnSignal(() => Promise.reject(new Error("no")), { signals: ["SIGHUP"] }, target);
    target.send("SIGHUP");
    await new Promise((resolve) => setImmediate(resolve));
    expect(target.killed).toEqual(["7 SIGHUP"]);
  });

  it("listens no more when that is taken back", () => {
    const target = fakeProcess();
    const stop = closeOnSignal(() => Promise.resolve(), {}, target);
    expect(target.count).toBe(2);
    stop();
    expect(target.count).toBe(0);
  });
});
