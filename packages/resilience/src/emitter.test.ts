import { ScriptedRuntime } from "@quorate/core/testing";
import { expect, it } from "vitest";

import { Emitter, reportFailure } from "./emitter.ts";

interface Events {
  readonly opened: { readonly at: number };
  readonly closed: { readonly at: number };
}

it("tells all listeners of the type, until they leave", () => {
  const emitter = new Emitter<Events>(new ScriptedRuntime());
  const heard: string[] = [];
  const off = emitter.on("opened", ({ at }) => heard.push(`a${at}`));
  emitter.on("opened", ({ at }) => heard.push(`b${at}`));
  expect(emitter.hears("opened")).toBe(true);
  expect(emitter.hears("closed")).toBe(false);
  emitter.emit("opened", { at: 1 });
  off();
  emitter.emit("opened", { at: 2 });
  emitter.emit("closed", { at: 3 });
  expect(heard).toEqual(["a1", "b1", "b2"]);
});

it("a listener that throws is reported, and the next is told", () => {
  const runtime = new ScriptedRuntime();
  const emitter = new Emitter<Events>(runtime);
  const mistake = new Error("mine");
  let told = 0;
  emitter.on("opened", () => {
    throw mistake;
  });
  emitter.on("opened", () => told++);
  emitter.emit("opened", { at: 1 });
  expect(told).toBe(1);
  expect(runtime.recorded).toEqual([
    {
      name: "resilience.listener-failed",
      event: { what: "listener of opened", error: mistake },
    },
  ]);
});

it("a subscriber of the reports that throws ends there", () => {
  const broken = {
    channel: () => ({
      hasSubscribers: true,
      publish: () => {
        throw new Error("also broken");
      },
    }),
  };
  const runtime = Object.assign(new ScriptedRuntime(), { events: broken });
  expect(() => reportFailure(runtime, "classify", new Error("first"))).not.toThrow();
});
