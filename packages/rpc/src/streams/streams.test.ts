import { isQuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { client } from "../client/client.ts";
import type { Handlers, ServeOptions } from "../server/options.ts";
import { serve } from "../server/serve.ts";
import { encodeFrame, encodeWord } from "./wire.ts";
import { Ledger, World } from "../ledger-world.fixture.ts";

type Count = Handlers<typeof Ledger>["count"];

const counting: Count = async function* ({ to }) {
  for (let at = 0; at < to; at++) yield at;
};

/** A server with this `count`, and a client of it, each in its own process. */
async function served(count: Count = counting, options: ServeOptions = {}) {
  const world = new World();
  const [there, here] = [world.process(), world.process()];
  const handlers = { count, pay: () => ({ receipt: "" }), wait: () => "" };
  const server = await serve(there.backend, Ledger, handlers, { id: "one", ...options });
  const streams = { keepAliveMs: 1_000, windowItems: 8 };
  const ledger = client(here.backend, Ledger, { streams, presence: false });
  return { world, there, here, server, ledger };
}

describe("a stream", () => {
  it("brings 10,000 items in order, in far fewer frames", async () => {
    const { world, here } = await served();
    const ledger = client(here.backend, Ledger, { presence: false });
    const { items, error } = await world.read(ledger.count({ to: 10_000 }));
    expect(error).toBeUndefined();
    expect(items).toEqual(Array.from({ length: 10_000 }, (_, at) => at));
    expect(here.frames.length).toBeLessThan(400);
  });

  it("asks the handler for no more than the consumer's window", async () => {
    let yielded = 0;
    const { world, ledger } = await served(async function* () {
      for (;;) yield (yielded += 1);
    });
    const items = ledger.count({ to: 0 });
    await world.outcome(items.next());
    await world.runtime.advance(3_000);
    expect(yielded).toBeLessThanOrEqual(8 + 1);
    for (let count = 0; count < 8; count++) await world.outcome(items.next());
    await world.runtime.advance(3_000);
    expect(yielded).toBeGreaterThan(9);
    expect(yielded).toBeLessThanOrEqual(16 + 1);
  });

  it("sends nothing before the first item is asked for", async () => {
    const { world, server, ledger } = await served();
    const items = ledger.count({ to: 3 });
    await world.runtime.advance(100);
    expect([server.stats.running, ledger.stats.calls]).toEqual([0, 0]);
    await items.return?.();
    expect(await items.next()).toEqual({ done: true, value: undefined });
  });

  it("brings the handler's own error, typed, after the items before it", async () => {
    const { world, ledger } = await served(async function* (_, call) {
      yield 1;
      yield 2;
      throw call.fail("Torn", { at: 2 });
    });
    const { items, error } = await world.read(ledger.count({ to: 9 }));
    expect(items).toEqual([1, 2]);
    expect(error).toMatchObject({
      code: "REFUSED",
      effect: "none",
      details: { reason: "Torn", data: { at: 2 } },
    });
  });

  it("tells nothing of an unexpected error but that it happened", async () => {
    const { world, server, ledger } = await served(async function* () {
      yield 1;
      throw new Error("password hunter2");
    });
    const { items, error } = await world.read(ledger.count({ to: 9 }));
    expect(items).toEqual([1]);
    expect(error).toMatchObject({ code: "REMOTE_FAILED", effect: "unknown" });
    expect(String(error)).not.toContain("hunter2");
    expect(server.stats).toMatchObject({ served: 0, failed: 1 });
    // Who is on call at the server sees what it was.
    const [failed] = world.events("rpc.handler-failed") as { readonly error: Error }[];
    expect(failed?.error.message).toContain("hunter2");
  });

  it("ends where the server's schema, or the client's, refuses an item", async () => {
    const atServer = await served(async function* () {
      yield 1;
      yield "two" as never;
      yield 3;
    });
    const told = await atServer.world.read(atServer.ledger.count({ to: 9 }));
    expect(told.items).toEqual([1]);
    expect(told.error).toMatchObject({ code: "CONTRACT_MISMATCH", effect: "unknown" });

    const { world, here, ledger } = await served();
    here.fate = (data) =>
      Buffer.from(Buffer.from(data).toString().replace('"i":[0', '"i":["zero"'));
    const found = await world.read(ledger.count({ to: 4 }));
    expect(found.items).toEqual([]);
    expect(found.error).toMatchObject({ code: "CONTRACT_MISMATCH" });
  });

  it("has no item that is larger than a message, and says so after those before it", async () => {
    const { world, ledger, there } = await served(async function* () {
      yield 1;
      yield { toJSON: () => "x".repeat(there.memory.capabilities.maxValueBytes) } as never;
    });
    // The schema sees a number; what it is as JSON, only the server finds out.
    const { items, error } = await world.read(ledger.count({ to: 9 }));
    expect(items).toEqual([1]);
    expect(isQuorateError(error)).toBe(true);
  });
});

describe("the end of a stream", () => {
  /** A handler that says when its `finally` ran, and why its signal aborted. */
  function watched() {
    const seen: unknown[] = [];
    const world: { now?: World } = {};
    const count: Count = async function* (_, call) {
      try {
        yield 1;
        for (;;) {
          await world.now?.work(10, call.signal);
          yield 2;
        }
      } finally {
        seen.push(call.signal.reason);
      }
    };
    return { seen, world, count };
  }

  it("runs the handler's finally when the consumer breaks", async () => {
    const { seen, world: its, count } = watched();
    const { world, server, ledger } = await served(count);
    its.now = world;
    const reading = (async () => {
      for await (const item of ledger.count({ to: 0 })) if (item === 2) break;
    })();
    await world.outcome(reading);
    await world.runtime.advance(20);
    expect(seen).toMatchObject([{ code: "ABORTED" }]);
    expect([server.stats.running, ledger.stats.streams]).toEqual([0, 0]);
    expect(world.events("rpc.handler-failed")).toEqual([]); // It was told to stop, and stopped.
  });

  it("rejects with the signal's own reason, at once, also while it waits", async () => {
    const { seen, world: its, count } = watched();
    const { world, ledger } = await served(count);
    its.now = world;
    const caller = new AbortController();
    const items = ledger.count({ to: 0 }, { signal: caller.signal });
    await world.outcome(items.next());
    const waiting = world.outcome(items.next(), 5);
    const reason = new Error("enough");
    caller.abort(reason);
    expect(await waiting).toMatchObject({ error: reason });
    expect(await items.next()).toEqual({ done: true, value: undefined });
    await world.runtime.advance(20);
    expect(seen).toHaveLength(1);
  });

  it("is the whole's deadline, on both sides, with what came before it", async () => {
    const { seen, world: its, count } = watched();
    const { world, ledger } = await served(count);
    its.now = world;
    const { items, error } = await world.read(ledger.count({ to: 0 }, { timeoutMs: 500 }));
    expect(items.length).toBeGreaterThan(10);
    expect(error).toMatchObject({ code: "TIMEOUT", effect: "unknown" });
    await world.runtime.advance(20);
    expect(seen).toHaveLength(1);
  });

  it("is the idle timeout of a server that lives and sends nothing", async () => {
    const { world, ledger } = await served(async function* (_, call) {
      yield 1;
      await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
    });
    const { items, error } = await world.read(ledger.count({ to: 0 }, { idleTimeoutMs: 7_000 }));
    expect(items).toEqual([1]);
    expect(error).toMatchObject({ code: "TIMEOUT", details: { timeoutMs: 7_000 } });
  });

  it("is unknown where a frame was lost; what was received stays received", async () => {
    const { world, here, server, ledger } = await served();
    here.fate = (_, index) => (index === 1 ? 0 : 1);
    const { items, error } = await world.read(ledger.count({ to: 100 }));
    expect(items).toEqual(Array.from({ length: items.length }, (_, at) => at));
    expect(error).toMatchObject({ code: "OUTCOME_UNKNOWN", effect: "unknown" });
    await world.runtime.advance(10);
    expect(server.stats.running).toBe(0);
  });

  it("is unknown when the server is heard no more", async () => {
    const { world, there, ledger } = await served(async function* (_, call) {
      yield 1;
      await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
    });
    const items = ledger.count({ to: 0 });
    await world.outcome(items.next());
    there.pause();
    const startedMs = world.runtime.time.monotonicMs();
    expect(await world.outcome(items.next())).toMatchObject({ error: { code: "OUTCOME_UNKNOWN" } });
    expect(world.runtime.time.monotonicMs() - startedMs).toBeLessThanOrEqual(3_100);
    there.resume();
  });

  it("comes to a server whose client is heard no more", async () => {
    const { seen, world: its, count } = watched();
    const { world, here, server, ledger } = await served(count);
    its.now = world;
    const items = ledger.count({ to: 0 });
    await world.outcome(items.next());
    here.pause();
    await world.runtime.advance(3_100);
    expect(seen).toHaveLength(1);
    expect(server.stats.running).toBe(0);
  });

  it("comes to a consumer that leaves its window full beyond the server's patience", async () => {
    const { world, ledger } = await served(counting, { streams: { stallMs: 5_000 } });
    const items = ledger.count({ to: 100 });
    await world.outcome(items.next());
    await world.runtime.advance(6_000);
    const { items: rest, error } = await world.read(items);
    expect(rest).toEqual([1, 2, 3, 4, 5, 6, 7, 8]); // One was granted anew for the one read.
    expect(error).toMatchObject({ code: "TIMEOUT", effect: "unknown" });
    expect(String(error)).toContain("stallMs");
  });

  it("comes when the client is closed", async () => {
    const { seen, world: its, count } = watched();
    const { world, ledger } = await served(count);
    its.now = world;
    const items = ledger.count({ to: 0 });
    await world.outcome(items.next());
    const waiting = world.outcome(items.next(), 5);
    const closing = ledger.close();
    expect(await waiting).toMatchObject({ error: { code: "ABORTED", effect: "unknown" } });
    await world.outcome(closing);
    await world.runtime.advance(20);
    expect(seen).toHaveLength(1);
  });
});

describe("a server that closes", () => {
  it("lets streams come to their end within the grace time", async () => {
    const { world, server, ledger } = await served(async function* () {
      for (let at = 0; at < 5; at++) {
        await world.work(100);
        yield at;
      }
    });
    const items = ledger.count({ to: 0 });
    await world.outcome(items.next());
    const closing = server.close({ graceMs: 2_000 });
    expect(await world.read(items)).toEqual({ items: [1, 2, 3, 4], error: undefined });
    await world.outcome(closing);
  });

  it("ends them at once where it is told to, and refuses new ones", async () => {
    const seen: string[] = [];
    const { world, server, ledger } = await served(
      async function* (_, call) {
        try {
          yield 1;
          await world.work(60_000, call.signal);
        } finally {
          seen.push("finally");
        }
      },
      { streams: { onClose: "end" } },
    );
    const items = ledger.count({ to: 0 });
    await world.outcome(items.next());
    const closing = server.close({ graceMs: 60_000 });
    const { error } = await world.read(items);
    expect(error).toMatchObject({ code: "ABORTED", effect: "unknown" });
    expect(await world.outcome(closing, 1_000)).toMatchObject({ value: undefined });
    expect(seen).toEqual(["finally"]);
  });

  it("bears no more streams than it was told to", async () => {
    const { world, ledger } = await served(counting, { streams: { max: 1 } });
    const items = ledger.count({ to: 100 });
    await world.outcome(items.next());
    const { error } = await world.read(ledger.count({ to: 1 }));
    expect(error).toMatchObject({ code: "OVERLOADED", effect: "none" });
    await world.read(items);
    expect(await world.read(ledger.count({ to: 1 }))).toEqual({ items: [0], error: undefined });
  });
});

describe("hostile messages", () => {
  it("a frame that comes twice, or is none, changes nothing", async () => {
    const { world, here, ledger } = await served();
    here.fate = () => 2;
    const bus = here.backend.bus;
    const spray = async (): Promise<void> => {
      await bus.publish(here.inbox, Buffer.from("{"));
      await bus.publish(here.inbox, Buffer.alloc(500_000, 0x5b));
    };
    const items = ledger.count({ to: 100 });
    await world.outcome(items.next());
    await spray();
    const { items: rest, error } = await world.read(items);
    expect([rest.length, error]).toEqual([99, undefined]);
    expect(ledger.stats.strayFrames).toBeGreaterThan(0);
  });

  it("a frame of another instance is not believed, nor one of no call", async () => {
    const { world, here, ledger } = await served(async function* () {
      yield 1;
      await world.work(1_000);
      yield 2;
    });
    const items = ledger.count({ to: 0 });
    await world.outcome(items.next());
    const forge = (id: number, instance: string, first: number): Promise<void> => {
      const batch = { first, items: ["666"], end: { kind: "done" } as const };
      return here.backend.bus.publish(here.inbox, encodeFrame(id, instance, batch));
    };
    await forge(1, "evil", 1);
    await forge(77, "one", 1);
    await world.settle();
    expect(ledger.stats.strayFrames).toBe(2);
    expect(await world.read(items)).toEqual({ items: [2], error: undefined });
  });

  it("a word of another client, or with an absurd credit, gets nobody more", async () => {
    let yielded = 0;
    const { world, here, ledger, server } = await served(async function* () {
      for (;;) yield (yielded += 1);
    });
    const items = ledger.count({ to: 0 });
    await world.outcome(items.next());
    const say = (data: Uint8Array): Promise<void> =>
      here.backend.bus.publish("rpc/ledger/1/one", data);
    const credit = { items: 1e6, bytes: 1e9 };
    await say(encodeWord({ client: "evil", id: 1, credit }));
    await say(encodeWord({ client: "evil", id: 1, credit: undefined }));
    await say(Buffer.from('{"v":1,"c":7,"id":-1}'));
    await say(Buffer.alloc(10_000, 0x5b));
    await world.runtime.advance(10);
    expect(yielded).toBeLessThanOrEqual(9);
    expect(server.stats.running).toBe(1);
    await items.return?.();
  });
});
