import type { Subscription } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { natsBackend } from "./backend.ts";
import { FakeConnection } from "./fake-connection.fixture.ts";

let runtime: ScriptedRuntime;
let connection: FakeConnection;
let backend: ReturnType<typeof natsBackend>;

beforeEach(() => {
  runtime = new ScriptedRuntime();
  connection = new FakeConnection();
  backend = natsBackend(connection, { namespace: "n", runtime });
});

afterEach(async () => {
  await backend.close({ graceMs: 0 });
  expect(runtime.pendingTimers).toBe(0);
});

/** Whether `promise` has settled after `ms` more. */
async function settledAfter(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  await runtime.advance(ms);
  return settled;
}

function subscribe(): Promise<Subscription> {
  return backend.bus.subscribe("s", () => {}, { queue: "q" });
}

describe("a subscription", () => {
  it("on one server is there when the server has confirmed, and gone likewise", async () => {
    const subscribing = subscribe();
    expect(await settledAfter(subscribing, 0)).toBe(true);
    expect(connection.subscriptions.size).toBe(1);
    const closing = (await subscribing).close();
    expect(connection.subscriptions.size).toBe(0);
    expect(await settledAfter(closing, 0)).toBe(true);
  });

  it("in a cluster gives the other nodes 25 ms to hear of it, and of its end", async () => {
    connection.info = { ...connection.info, cluster: "c" };
    const subscribing = subscribe();
    expect(await settledAfter(subscribing, 24)).toBe(false);
    expect(await settledAfter(subscribing, 1)).toBe(true);
    const closing = (await subscribing).close();
    expect(await settledAfter(closing, 24)).toBe(false);
    expect(await settledAfter(closing, 1)).toBe(true);
  });

  it("closes within a second of a server that confirms nothing", async () => {
    const subscription = await subscribe();
    connection.answersPings = false;
    const closing = subscription.close();
    expect(subscription.close()).toBe(closing);
    expect(await settledAfter(closing, 999)).toBe(false);
    expect(await settledAfter(closing, 1)).toBe(true);
  });

  it("does not wait for the server when its backend closes, nor without a link", async () => {
    const [first, second] = [await subscribe(), await subscribe()];
    connection.answersPings = false;
    await connection.tell("disconnect");
    await first.close();
    await connection.tell("reconnect");
    const closing = second.close();
    await backend.close({ graceMs: 0 });
    expect(await settledAfter(closing, 0)).toBe(true);
  });
});
