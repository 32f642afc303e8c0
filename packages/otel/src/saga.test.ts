import { trace } from "@opentelemetry/api";
import { refuse } from "@quorate/core";
import { memoryBackend } from "@quorate/memory";
import { createSagas, createTcc, saga, type TccParticipant } from "@quorate/transaction";
import { afterEach, expect, it } from "vitest";

import { instrument } from "./instrument.ts";
import { World } from "./world.fixture.ts";

let world: World;
afterEach(async () => {
  using _ = world;
  expect(await world.strays()).toEqual([]);
});

const parentOf = (span: ReturnType<World["span"]>) => span.parentSpanContext?.spanId;

it("attempts are children of the span that started the saga, undos too", async () => {
  world = new World();
  const seen: (string | undefined)[] = [];
  const trip = saga("trip", { version: 1, input: (input: number) => input })
    .step("hotel", {
      run: async () => {
        await Promise.resolve();
        seen.push(trace.getActiveSpan()?.spanContext().spanId);
        return "room";
      },
      undo: () => {},
    })
    .step("pay", {
      run: () => {
        throw refuse("card-declined");
      },
      undo: () => {},
    })
    .returns(() => "all");
  const sagas = createSagas(memoryBackend());
  sagas.serve(trip);
  const running = world.within("order", () => sagas.run(trip, { id: "trip-1", input: 1 }));
  await expect(running).rejects.toThrow("SAGA_COMPENSATED");
  await sagas.close();

  const start = world.span("saga start trip");
  expect(parentOf(start)).toBe(world.span("order").spanContext().spanId);
  const steps = world.spans().filter(({ name }) => name.startsWith("saga step"));
  const facts = steps.map(({ attributes: of, name }) => [
    name,
    of["quorate.saga.doing"],
    of["quorate.outcome"],
  ]);
  expect(facts).toEqual([
    ["saga step trip.hotel", "run", "done"],
    ["saga step trip.pay", "run", "refused"],
    ["saga step trip.pay", "undo", "done"],
    ["saga step trip.hotel", "undo", "done"],
  ]);
  expect(new Set(steps.map(parentOf))).toEqual(new Set([start.spanContext().spanId]));
  expect(seen).toEqual([steps[0]?.spanContext().spanId]);
  expect(await world.points("saga")).toMatchObject([
    {
      attributes: { "quorate.saga.name": "trip", "quorate.outcome": "compensated" },
      value: 1,
    },
  ]);
  expect(await world.points("sagaCompensations")).toMatchObject([
    { attributes: { "quorate.reason": "refused" }, value: 1 },
  ]);
});

it("an attempt elsewhere is a trace of its own, linked to the span that started it", async () => {
  world = new World();
  const { meterProvider, tracerProvider } = world;
  let attempts = 0;
  let elsewhere: Disposable | undefined;
  const trip = saga("trip", { version: 1, input: (input: number) => input })
    .step("pay", {
      run: () => {
        attempts += 1;
        if (attempts > 1) return;
        // The next attempt is heard by what knows nothing of the start, as in another process.
        world.close();
        elsewhere = instrument({ meterProvider, tracerProvider });
        throw new Error("no answer");
      },
      retry: { baseMs: 1, maxMs: 1 },
      undo: () => {},
    })
    .returns(() => "paid");
  const sagas = createSagas(memoryBackend());
  sagas.serve(trip);
  await sagas.run(trip, { id: "trip-1", input: 1 });
  await sagas.close();
  elsewhere?.[Symbol.dispose]();
  const start = world.span("saga start trip").spanContext();
  const [first, second] = world.spans("saga step trip.pay");
  expect([parentOf(first!), first?.links]).toEqual([start.spanId, []]);
  expect(parentOf(second!)).toBeUndefined();
  expect(second?.links.map(({ context }) => [context.traceId, context.spanId])).toEqual([
    [start.traceId, start.spanId],
  ]);
  expect(second?.spanContext().traceId).not.toBe(start.traceId);
});

it("calls of participants are spans, with what they came to", async () => {
  world = new World();
  const account: TccParticipant<number> = {
    try: ({ input }) => {
      if (input > 100) throw refuse("too-little");
    },
    confirm: () => {},
    cancel: () => {},
  };
  const tcc = createTcc(memoryBackend());
  const payment = tcc.serve("payment", { account });
  const pay = (id: string, cents: number) =>
    payment.run({ id, deadlineMs: 10_000 }, async (t) => {
      await t.branch("account", cents);
    });
  await pay("p-1", 30);
  await pay("p-2", 300).catch(() => {});
  await tcc.close();
  const calls = world.spans().map(({ attributes, name }) => [name, attributes["quorate.outcome"]]);
  expect(calls.filter(([name]) => String(name).startsWith("tcc"))).toEqual([
    ["tcc payment.account try", "done"],
    ["tcc payment.account confirm", "done"],
    ["tcc payment.account try", "refused"],
    ["tcc payment.account cancel", "done"],
  ]);
  const ended = await world.points("tccEnded");
  expect(ended.map(({ attributes }) => attributes["quorate.outcome"])).toEqual([
    "confirmed",
    "cancelled",
  ]);
});
