import { context, trace } from "@opentelemetry/api";
import { createLocks } from "@quorate/lock";
import { memoryBackend } from "@quorate/memory";
import { afterEach, expect, it } from "vitest";

import { instrumentBackend } from "./backend.ts";
import { World } from "./world.fixture.ts";

let world: World;
afterEach(async () => {
  using _ = world;
  expect(await world.strays()).toEqual([]);
});

function instrumented(spans = false) {
  const { meterProvider, tracerProvider } = world;
  return instrumentBackend(memoryBackend(), { meterProvider, tracerProvider, spans });
}

it("round trips are measured by operation, and behave as before", async () => {
  world = new World();
  const backend = instrumented(true);
  await backend.ready();
  const put = await backend.kv.put("a", "1", { expect: "absent" });
  expect(put.ok).toBe(true);
  expect((await backend.kv.get("a"))?.key).toBe("a");
  await expect(backend.kv.get("")).rejects.toThrow();
  await createLocks(backend).run("order/42", async () => {}, { waitMs: 0 });
  const points = await world.points("engine");
  const seen = points.map(({ attributes: of, value }) => [
    of["quorate.engine.operation"],
    of["quorate.outcome"],
    value,
  ]);
  expect(seen).toEqual([
    ["kv.put", "ok", 1],
    ["kv.get", "ok", 1],
    ["kv.get", "error", 1],
    ["leases.acquire", "ok", 1],
    ["leases.release", "ok", 1],
  ]);
  expect(world.spans("memory kv.get").map(({ status }) => status.code)).toEqual([0, 2]);
  const held = await backend.leases.acquire("x", { owner: "a", ttlMs: 1_000 });
  expect(held.granted).toBe(true);
  await backend.leases.acquire("x", { owner: "b", ttlMs: 1_000, waitMs: 5 });
  const acquired = (await world.points("engine")).find(
    ({ attributes }) => attributes["quorate.engine.operation"] === "leases.acquire",
  );
  expect(acquired?.value).toBe(2); // The wait in line is not a round trip.
  await backend.close();
});

it("is the same each time it is asked for, and hands through the rest", async () => {
  world = new World();
  const backend = instrumented();
  expect(backend.leases).toBe(backend.leases);
  expect(backend.kv.get).toBe(backend.kv.get);
  expect([backend.name, backend.capabilities.reads]).toEqual(["memory", "linearizable"]);
  await backend.kv.put("a/b", "1");
  const listed: string[] = [];
  for await (const { key } of backend.kv.list("a")) listed.push(key);
  expect(listed).toEqual(["a/b"]);
  expect(world.spans()).toEqual([]);
  await backend.close();
});

it("a message carries the trace it was sent in, and a hostile one none", async () => {
  world = new World();
  const backend = instrumented();
  const seen: (string | undefined)[] = [];
  await backend.bus.subscribe("news/x", () => {
    seen.push(trace.getSpanContext(context.active())?.spanId);
  });
  await world.within("sender", () => backend.bus.publish("news/x", new Uint8Array()));
  const hostile = { traceparent: "00-0-0-0" };
  await backend.bus.publish("news/x", new Uint8Array(), { headers: hostile });
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual([world.span("sender").spanContext().spanId, undefined]);
  await backend.close();
});
