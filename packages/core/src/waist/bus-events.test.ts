import { describe, expect, it } from "vitest";

import { ScriptedRuntime } from "../testing.ts";
import { publishHandlerFailure, publishMessagesDropped } from "./bus-events.ts";

describe("events of a bus", () => {
  it("tell of a handler that failed and of messages dropped, on one channel", () => {
    const runtime = new ScriptedRuntime();
    const error = new Error("handler");
    publishHandlerFailure(runtime, { backend: "memory", subject: "a/b", error });
    publishMessagesDropped(runtime, { backend: "memory", subject: "a/c", count: 3 });
    expect(runtime.recorded).toEqual([
      { name: "bus", event: { kind: "handler-failed", backend: "memory", subject: "a/b", error } },
      {
        name: "bus",
        event: { kind: "messages-dropped", backend: "memory", subject: "a/c", count: 3 },
      },
    ]);
  });

  it("are not even made where nobody listens", () => {
    const publish = (): never => expect.unreachable("published");
    const channel = { hasSubscribers: false, publish };
    const runtime = { events: { channel: () => channel } };
    const error = new Error("handler");
    publishHandlerFailure(runtime, { backend: "memory", subject: "s", error });
    publishMessagesDropped(runtime, { backend: "memory", subject: "s", count: 1 });
    expect(channel.hasSubscribers).toBe(false);
  });
});
