/**
 * Deadline and shedding in every framework, over real sockets, alone and before idempotency.
 */
import { deferred, isQuorateError, sleep, systemRuntime } from "@quorate/core";
import { createIdempotency } from "@quorate/idempotency";
import { memoryBackend } from "@quorate/memory";
import { admission } from "@quorate/resilience";
import fastify from "fastify";
import { afterEach, describe, expect, it } from "vitest";

import { ask, type Got } from "./apps/client.fixture.ts";
import {
  type DoorHandler,
  doorsApps,
  type DoorsApp,
  type StartDoors,
} from "./apps/doors-app.fixture.ts";
import { fastifyDeadline, fetchWithDeadline } from "./index.ts";

const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

async function open(start: StartDoors, app: DoorsApp): Promise<number> {
  const running = await start(app);
  opened.push(running);
  return running.port;
}

const budget = (ms: number | string) => ({ headers: { "request-timeout-ms": String(ms) } });
const typeOf = ({ headers, body }: Got): unknown => {
  expect(headers["content-type"]).toMatch(/^application\/problem\+json/);
  return (JSON.parse(body.toString()) as { type: string }).type.replace("urn:quorate:error:", "");
};
const json = ({ body }: Got) => JSON.parse(body.toString()) as Record<string, unknown>;
const read = async (response: Response) => JSON.parse(await response.text()) as object;
const left: DoorHandler = async (current, own) => ({
  leftMs: current?.remainingMs,
  same: own === current,
});

/** A handler that says when it was entered, and stays until it is let go. */
function holding() {
  const entered = deferred<void>();
  const free = deferred<void>();
  const hold: DoorHandler = async () => {
    entered.resolve();
    await free.promise;
    return {};
  };
  return { entered, free, hold };
}

describe.each(doorsApps)("%s", (_name, start) => {
  it("gives a handler what is left of its caller's budget, within bounds", async () => {
    const port = await open(start, { handlers: { "/left": left }, deadline: { maxMs: 5_000 } });
    const given = json(await ask(port, "/left", budget(800)));
    expect(given["leftMs"]).toBeLessThanOrEqual(800);
    expect(given["leftMs"]).toBeGreaterThan(300);
    expect(given["same"]).toBe(true);
    expect(json(await ask(port, "/left", budget("999999999999")))["leftMs"]).toBeLessThan(5_001);
    expect(json(await ask(port, "/left"))["leftMs"]).toBeLessThan(5_001);
  });

  it("drops what is too late, and refuses what is no budget, before anything runs", async () => {
    let runs = 0;
    const count: DoorHandler = async () => ({ runs: ++runs });
    const port = await open(start, { handlers: { "/count": count } });
    const expired = await ask(port, "/count", budget(0));
    expect([expired.status, typeOf(expired)]).toEqual([504, "timeout"]);
    expect(json(expired)).toMatchObject({ code: "TIMEOUT", effect: "none" });
    for (const hostile of ["-5", "1e9", "0x10", "5, 5", "Infinity", "9".repeat(13), "__proto__"]) {
      const got = await ask(port, "/count", budget(hostile));
      expect([hostile, got.status, typeOf(got)]).toEqual([hostile, 400, "deadline-invalid"]);
    }
    expect(runs).toBe(0);
  });

  it("aborts the signal when the time is up, and leaves the answer to the handler", async () => {
    const wait: DoorHandler = async (deadline) => {
      await sleep(systemRuntime, 5_000, { signal: deadline?.signal });
      return {};
    };
    const port = await open(start, { handlers: { "/wait": wait } });
    const got = await ask(port, "/wait", budget(30));
    expect([got.status, typeOf(got)]).toEqual([504, "timeout"]);
    expect(json(got)["effect"]).toBe("unknown");
  });

  it("aborts the signal when the client hangs up, and not after an answer", async () => {
    const reasons: unknown[] = [];
    const entered = deferred<void>();
    const aborted = deferred<void>();
    const listen: DoorHandler = async (deadline) => {
      deadline?.signal.addEventListener("abort", () => {
        reasons.push(deadline.signal.reason);
        aborted.resolve();
      });
      return {};
    };
    const wait: DoorHandler = async (deadline, own) => {
      await listen(deadline, own);
      entered.resolve();
      await aborted.promise;
      return {};
    };
    const port = await open(start, { handlers: { "/wait": wait, "/listen": listen } });
    expect((await ask(port, "/listen", budget(60))).status).toBe(200);
    await sleep(systemRuntime, 90);
    expect(reasons).toEqual([]);

    const leaving = new AbortController();
    const asked = ask(port, "/wait", { signal: leaving.signal });
    await entered.promise;
    leaving.abort();
    await expect(asked).rejects.toThrow();
    await aborted.promise;
    expect(isQuorateError(reasons[0], "ABORTED")).toBe(true);
  });

  it("passes what is left on to the service behind, and nothing once it is over", async () => {
    const behind = await open(start, { handlers: { "/left": left } });
    const send = fetchWithDeadline(fetch);
    const relay: DoorHandler = async () => {
      await sleep(systemRuntime, 20);
      return read(await send(`http://127.0.0.1:${behind}/left`));
    };
    const late: DoorHandler = async () => {
      await sleep(systemRuntime, 60);
      return read(await send(`http://127.0.0.1:${behind}/left`));
    };
    const port = await open(start, { handlers: { "/relay": relay, "/late": late } });
    expect(json(await ask(port, "/relay", budget(900)))["leftMs"]).toBeLessThanOrEqual(881);
    const got = await ask(port, "/late", budget(40));
    expect([got.status, json(got)["effect"]]).toEqual([504, "none"]);
  });

  it("sheds with 503 and when to come back, but no health check", async () => {
    const gate = admission({ limit: 1, queue: 0 });
    const { entered, free, hold } = holding();
    const handlers = { "/hold": hold, "/left": left, "/healthz": left };
    const port = await open(start, { handlers, shedding: { admission: gate } });
    const held = ask(port, "/hold");
    await entered.promise;
    const got = await ask(port, "/left");
    expect([got.status, typeOf(got)]).toEqual([503, "overloaded"]);
    expect(Number(got.headers["retry-after"])).toBeGreaterThan(0);
    expect(json(got)).toMatchObject({ code: "OVERLOADED", effect: "none" });
    expect((await ask(port, "/healthz", { method: "GET" })).status).toBe(200);
    expect((await ask(port, "/healthz")).status).toBe(503);
    free.resolve();
    expect((await held).status).toBe(200);
    await expect.poll(() => gate.stats.running).toBe(0);
    expect((await ask(port, "/left")).status).toBe(200);
    expect(gate.stats.shed.full).toBe(2);
  });

  it("keeps the place of a handler whose client has left, until the handler ends", async () => {
    const gate = admission({ limit: 1, queue: 0 });
    const { entered, free, hold } = holding();
    const handlers = { "/hold": hold, "/left": left };
    const port = await open(start, { handlers, shedding: { admission: gate } });
    const leaving = new AbortController();
    const held = ask(port, "/hold", { signal: leaving.signal });
    await entered.promise;
    leaving.abort();
    await expect(held).rejects.toThrow();
    await expect.poll(() => gate.stats.leaked).toBe(1);
    expect((await ask(port, "/left")).status).toBe(503);
    free.resolve();
    await expect.poll(() => gate.stats.running).toBe(0);
    expect((await ask(port, "/left")).status).toBe(200);
  });

  it("under a key outlives its client, and sheds before the store is asked", async () => {
    const backend = memoryBackend();
    const idempotency = createIdempotency(backend);
    opened.push({ close: () => idempotency.close({ graceMs: 0 }) }, backend);
    const gate = admission({ limit: 1, queue: 0 });
    const entered = deferred<void>();
    const free = deferred<void>();
    const aborted: boolean[] = [];
    const hold: DoorHandler = async (deadline) => {
      const signal = deadline?.signal;
      entered.resolve();
      await free.promise;
      aborted.push(signal?.aborted ?? true);
      return { runs: aborted.length };
    };
    const shedding = { admission: gate };
    const port = await open(start, { handlers: { "/hold": hold }, shedding, idempotency });
    const leaving = new AbortController();
    const asked = ask(port, "/hold", { key: "k-1", signal: leaving.signal });
    await entered.promise;
    leaving.abort();
    await expect(asked).rejects.toThrow();
    await expect.poll(() => gate.stats.leaked).toBe(1);
    backend.faults.cut();
    expect((await ask(port, "/hold", { key: "k-2" })).status).toBe(503);
    expect(gate.stats.shed.full).toBe(1);
    backend.faults.restore();
    free.resolve();
    await expect.poll(() => gate.stats.running).toBe(0);
    const again = await ask(port, "/hold", { key: "k-1" });
    expect(again.headers["idempotent-replayed"]).toBe("true");
    expect(json(again)).toEqual({ runs: 1 });
    expect(aborted).toEqual([false]);
  });
});

describe("beyond what all have in common", () => {
  it("Fastify drops what was too late when its body had been read", async () => {
    let runs = 0;
    const app = fastify();
    await app.register(fastifyDeadline());
    app.addHook("preValidation", async () => sleep(systemRuntime, 30)); // As a slow upload.
    app.post("/count", async () => ({ runs: ++runs }));
    const late = await app.inject({ method: "POST", url: "/count", ...budget(10) });
    expect([late.statusCode, late.json<{ effect: string }>().effect]).toEqual([504, "none"]);
    expect(runs).toBe(0);
    await app.close();
  });

  it.each(["express 5", "express 4", "fastify 5"])(
    "%s lets a handler go that never answers a client that has left",
    async (name) => {
      const [, start] = doorsApps.find(([known]) => known === name) ?? [];
      const gate = admission({ limit: 1, queue: 0 });
      const entered = deferred<void>();
      const leaked: number[] = [];
      gate.on("leaked", (event) => leaked.push(event.leaked));
      const mute: DoorHandler = () => {
        entered.resolve();
        return new Promise(() => {});
      };
      const shedding = { admission: gate, lingerMs: 40 };
      const port = await open(start as StartDoors, { handlers: { "/mute": mute }, shedding });
      const leaving = new AbortController();
      const asked = ask(port, "/mute", { signal: leaving.signal });
      await entered.promise;
      leaving.abort();
      await expect(asked).rejects.toThrow();
      await expect.poll(() => gate.stats.running).toBe(0);
      expect(leaked).toEqual([1]);
    },
  );
});
