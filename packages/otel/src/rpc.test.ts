import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { type Message, refuse } from "@quorate/core";
import { memoryBackend } from "@quorate/memory";
import { client, contract, serve } from "@quorate/rpc";
import { afterEach, expect, it } from "vitest";
import { z } from "zod";

import { World } from "./world.fixture.ts";

const Payments = contract("payments", "1.0.0", {
  charge: { input: z.int(), output: z.string() },
  twice: { input: z.int(), output: z.string() },
});
const never = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

let world: World;
afterEach(async () => {
  using _ = world;
  expect(await world.strays()).toEqual([]);
});

async function payments() {
  const backend = memoryBackend();
  const calls = client(backend, Payments);
  const server = await serve(backend, Payments, {
    charge: async (cents, call) => {
      if (cents < 0) throw refuse("negative");
      if (cents === 0) throw new Error("a defect, with the card's number in its words");
      await Promise.resolve();
      const active = trace.getActiveSpan()?.spanContext().spanId;
      return `${active} ${call.trace?.traceparent}`;
    },
    twice: async (cents, call) => (await calls.charge(cents, { call })) + " again",
  });
  return { backend, calls, [Symbol.asyncDispose]: () => server.close() };
}

it("a server's span is the child of its client's, and its handler runs within it", async () => {
  world = new World();
  await using shop = await payments();
  const said = await world.within("checkout", () => shop.calls.charge(5));
  const [server, called] = world.spans("payments/charge");
  const checkout = world.span("checkout");
  expect([server?.kind, called?.kind]).toEqual([SpanKind.SERVER, SpanKind.CLIENT]);
  expect(called?.parentSpanContext?.spanId).toBe(checkout.spanContext().spanId);
  expect(server?.parentSpanContext).toMatchObject({
    spanId: called?.spanContext().spanId,
    traceId: checkout.spanContext().traceId,
    isRemote: true,
  });
  const { spanId, traceId } = called!.spanContext();
  expect(said).toBe(`${server?.spanContext().spanId} 00-${traceId}-${spanId}-01`);
  expect(called?.attributes).toEqual({
    "rpc.system.name": "quorate",
    "rpc.method": "payments/charge",
    "rpc.status_code": "ok",
    "quorate.effect": "applied",
    "quorate.rpc.attempts": 1,
  });
});

it("one trace goes through a service that calls another", async () => {
  world = new World();
  await using shop = await payments();
  await world.within("checkout", () => shop.calls.twice(5));
  const chain = [
    world.span("checkout"),
    ...world.spans().filter(({ name }) => name !== "checkout"),
  ].map((span) => span.spanContext().traceId);
  expect(new Set(chain).size).toBe(1);
  const outer = world.spans("payments/twice").find(({ kind }) => kind === SpanKind.SERVER);
  const inner = world.spans("payments/charge").find(({ kind }) => kind === SpanKind.CLIENT);
  expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId);
});

it("failures have their code, and only what is the server's fault fails its span", async () => {
  world = new World();
  await using shop = await payments();
  await expect(shop.calls.charge(-1)).rejects.toThrow("negative");
  await expect(shop.calls.charge(0)).rejects.toThrow();
  const facts = world.spans("payments/charge").map(({ attributes, kind, status }) => ({
    kind: SpanKind[kind],
    code: attributes["rpc.status_code"],
    failed: status.code === SpanStatusCode.ERROR,
  }));
  expect(facts).toEqual([
    { kind: "SERVER", code: "REFUSED", failed: false },
    { kind: "CLIENT", code: "REFUSED", failed: true },
    { kind: "SERVER", code: "REMOTE_FAILED", failed: true },
    { kind: "CLIENT", code: "REMOTE_FAILED", failed: true },
  ]);
  expect(JSON.stringify(world.spans().map(({ attributes }) => attributes))).not.toMatch(/card/);
  const points = await world.points("rpcServer");
  expect(points.map(({ attributes, value }) => [attributes["error.type"], value])).toEqual([
    ["REFUSED", 1],
    ["REMOTE_FAILED", 1],
  ]);
});

it("calls of each method are timed on both sides, in seconds", async () => {
  world = new World();
  await using shop = await payments();
  for (let n = 1; n <= 3; n++) await shop.calls.charge(n);
  for (const id of ["rpcClient", "rpcServer"] as const) {
    const [point, another] = await world.points(id);
    expect(another).toBeUndefined();
    expect(point?.value).toBe(3);
    expect(point?.sum).toBeGreaterThan(0);
    expect(point?.sum).toBeLessThan(3);
    expect(point?.attributes).toEqual({
      "rpc.system.name": "quorate",
      "rpc.method": "payments/charge",
      "rpc.status_code": "ok",
      "quorate.effect": "applied",
    });
  }
});

it("a trace that a message claims and that is none is none", async () => {
  world = new World();
  await using shop = await payments();
  const subject = await subjectOf(shop.backend, () => shop.calls.charge(1));
  world.spansOut.reset();
  let clients = 0;
  const ask = async (x: unknown) => {
    clients += 1;
    const request = { v: 1, id: 1, m: "charge", c: `c${clients}`, r: 1_000, s: 0, i: 5, x };
    const bytes = Buffer.from(JSON.stringify(request));
    await shop.backend.bus.request(subject, bytes, { timeoutMs: 1_000 });
  };
  const hostile = ["x", ["00-1-2-3"], [never.toUpperCase()], [never + "-0"], [{}], { 0: never }, 7];
  for (const x of hostile) await ask(x);
  await ask([never, "é"]);
  const parents = world.spans().map(({ parentSpanContext }) => parentSpanContext?.spanId);
  expect(parents).toEqual([...hostile.map(() => undefined), "b7ad6b7169203331"]);
});

it("calls that began before it listened, or end after, break nothing", async () => {
  world = new World();
  await using shop = await payments();
  world.close();
  world.close();
  await shop.calls.charge(1);
  expect(world.spans()).toEqual([]);
  using again = new World();
  await context.with(ROOT_CONTEXT, () => shop.calls.charge(1));
  expect(again.spans("payments/charge")).toHaveLength(2);
});

/** The subject that a call goes to. */
async function subjectOf(
  backend: ReturnType<typeof memoryBackend>,
  call: () => Promise<unknown>,
): Promise<string> {
  const send = backend.bus.request.bind(backend.bus);
  let seen = "";
  backend.bus.request = (subject, data, options): Promise<Message> => {
    seen = subject;
    return send(subject, data, options);
  };
  await call();
  return seen;
}
