import { channel } from "node:diagnostics_channel";

import { diag, DiagLogLevel, type DiagLogger } from "@opentelemetry/api";
import { CHANNELS } from "@quorate/core";
import { createLocks } from "@quorate/lock";
import { memoryBackend } from "@quorate/memory";
import { afterEach, expect, it } from "vitest";

import { instrument } from "./instrument.ts";
import { METRICS, SPAN_EVENTS } from "./names.ts";
import { Pending } from "./pending.ts";
import { World } from "./world.fixture.ts";

let world: World | undefined;
afterEach(() => world?.[Symbol.dispose]());

const tell = (name: string, event: object): void => channel(`quorate:${name}`).publish(event);
const heard = (): string[] =>
  [...CHANNELS.keys()].filter((name) => channel(`quorate:${name}`).hasSubscribers);

it("listens only while it is open: without it nobody does, and events are not even made", () => {
  expect(heard()).toEqual([]);
  world = new World();
  expect(heard().length).toBeGreaterThan(60);
  world.close();
  expect(heard()).toEqual([]);
});

it("asked for twice counts each event once, until both have closed", async () => {
  world = new World();
  const { meterProvider, tracerProvider } = world;
  const again = instrument({ meterProvider, tracerProvider });
  const locks = createLocks(memoryBackend());
  await locks.run("a", async () => {});
  again.close();
  again.close();
  await locks.run("a", async () => {});
  expect(world.spans("lock hold")).toHaveLength(2);
  world.close();
  await locks.run("a", async () => {});
  expect(world.spans("lock hold")).toHaveLength(2);
  expect(heard()).toEqual([]);
});

it("two sets of providers each hear everything", async () => {
  world = new World();
  using other = new World();
  await createLocks(memoryBackend()).run("a", async () => {});
  expect([world.spans("lock hold"), other.spans("lock hold")].map(({ length }) => length)).toEqual([
    1, 1,
  ]);
});

it("leaves out what it is told to", async () => {
  world = new World({ without: ["lock", "incidents", "span-events"] });
  await createLocks(memoryBackend()).run("a", async () => {});
  expect(world.spans()).toEqual([]);
  expect(heard().filter((name) => name.startsWith("lock."))).toEqual([]);
});

it("refuses options that it does not know, and changes nothing", () => {
  const bad: readonly [object, string][] = [
    [{ keys: "plane" }, "keys must be one of plain, hash, omit"],
    [{ maxNames: 0 }, "maxNames"],
    [{ without: ["locks"] }, "without must be some of lock"],
    [{ tracerProvider: {} }, "tracerProvider must be a TracerProvider"],
    [{ meterProvider: 7 }, "meterProvider must be a MeterProvider"],
    [{ tracer: {} }, "tracer"],
  ];
  for (const [options, message] of bad) expect(() => instrument(options)).toThrow(message);
  expect(heard()).toEqual([]);
});

it("ends what is open when it is closed: no hold is for ever", async () => {
  world = new World();
  const locks = createLocks(memoryBackend());
  await using _ = await locks.acquire("a");
  expect(world.spans("lock hold")).toEqual([]);
  world.close();
  expect(world.spans("lock hold")).toHaveLength(1);
  expect(await world.points("lockHeld")).toMatchObject([{ value: 0 }]);
});

it("keeps what throws, its own or the SDK's, from the code that is watched", async () => {
  const said: string[] = [];
  const log = (message: string): void => void said.push(message);
  const logger: DiagLogger = { error: log, warn: log, info: log, debug: log, verbose: log };
  diag.setLogger(logger, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
  const { meterProvider } = (world = new World({ without: ["lock"] }));
  const broken = { startSpan: () => fail(), startActiveSpan: () => fail() };
  using _ = instrument({ meterProvider, tracerProvider: { getTracer: () => broken as never } });
  await expect(createLocks(memoryBackend()).run("a", async () => 7)).resolves.toBe(7);
  tell("lock.granted", null as never);
  expect(said.some((line) => line.startsWith("@quorate/otel: lock.granted was not"))).toBe(true);
  diag.disable();
});

it("takes whatever a channel tells: events are anybody's", () => {
  world = new World();
  const odd: readonly object[] = [{}, [], { breaker: null, to: 7, from: {} }, { error: null }];
  for (const name of CHANNELS.keys()) for (const event of odd) tell(name, event);
  expect(world.spans().length).toBeGreaterThanOrEqual(0);
});

it("an end without a beginning, and a beginning without an end, are bounded", () => {
  const pending = new Pending<number>(3);
  for (let n = 0; n < 10; n++) pending.begin(`${n}`, n);
  expect([pending.size, pending.end("0"), pending.peek("9"), pending.end("9")]).toEqual([
    3,
    undefined,
    9,
    9,
  ]);
  expect(pending.drain()).toEqual([7, 8]);
  expect(pending.size).toBe(0);
});

it("every name is of Quorate or of a convention, and no metric has a key", () => {
  for (const { attributes, name, unit } of Object.values(METRICS)) {
    for (const one of [name, ...attributes]) {
      expect(one).toMatch(/^(quorate|rpc|error)(\.[a-z_]+)+$/);
      expect(one).not.toMatch(/\.(key|id|client|instance|address|owner)$/);
    }
    expect(unit).toMatch(/^(s|\{[a-z]+\})$/);
    expect(name).not.toMatch(/total|seconds/);
  }
  expect(new Set(SPAN_EVENTS).size).toBe(SPAN_EVENTS.length);
});

function fail(): never {
  throw new Error("the SDK's");
}
