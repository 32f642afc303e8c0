import { describe, expect, it } from "vitest";

import { isQuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { callOf, fetchWithIdempotency } from "./fetch-with-idempotency.ts";
import type { FetchWithIdempotencyOptions, IdempotentInit } from "./options.ts";

const URL = "https://api.example/charges";

/** What one try was sent. */
interface Seen {
  readonly atMs: number;
  readonly key: string | null;
  readonly body: string;
  readonly type: string | null;
}

type Reply = Response | Error | (() => Promise<Response>);

const refused = (): Error =>
  new TypeError("fetch failed", { cause: Object.assign(new Error(), { code: "ECONNREFUSED" }) });
const cut = (): Error => new TypeError("fetch failed", { cause: new Error("socket hang up") });
const status = (code: number, headers: Record<string, string> = {}): Response =>
  new Response(`status ${code}`, { status: code, headers });

/** A client in scripted time, whose server gives these replies, the last one for ever. */
function clientOf(replies: readonly Reply[], options: FetchWithIdempotencyOptions = {}) {
  const runtime = new ScriptedRuntime();
  const seen: Seen[] = [];
  const send = fetchWithIdempotency(
    async (url, init) => {
      const request = new Request(url, init);
      const reply = replies[Math.min(seen.length, replies.length - 1)];
      seen.push({
        atMs: runtime.time.monotonicMs(),
        key: request.headers.get("idempotency-key"),
        body: Buffer.from(await request.arrayBuffer()).toString("latin1"),
        type: request.headers.get("content-type"),
      });
      if (reply instanceof Error) throw reply;
      if (reply instanceof Response) return reply.clone();
      const { signal } = init ?? {};
      return new Promise<Response>((resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason));
        reply?.().then(resolve, reject);
      });
    },
    { runtime, budget: false, ...options },
  );
  const ask = async (init: IdempotentInit = { method: "POST", body: "{}" }, waitMs = 120_000) => {
    const asked = send(URL, init).then(
      (response) => response,
      (error: unknown) => error,
    );
    for (let passed = 0; passed < waitMs; passed += 100) await runtime.advance(100);
    return asked;
  };
  return { runtime, seen, ask };
}

describe("a request of a keyed method", () => {
  it("is given a key, quoted, which the response's facts name", async () => {
    const { ask, seen } = clientOf([status(201)]);
    const response = (await ask()) as Response;
    const { key, attempts, replayed } = callOf(response);
    expect(seen.map((one) => one.key)).toEqual([`"${key}"`]);
    expect(key).toMatch(/^[0-9a-f-]{36}$/);
    expect([attempts, replayed]).toEqual([1, false]);
  });

  it("carries the caller's key, from the option or from the headers", async () => {
    const given = clientOf([status(201)]);
    await given.ask({ method: "patch", idempotencyKey: 'a"b' });
    expect(given.seen[0]?.key).toBe('"a\\"b"');
    const inHeaders = clientOf([status(201)]);
    const headers = { "Idempotency-Key": "bare-1" };
    const response = (await inHeaders.ask({ method: "POST", headers })) as Response;
    expect(inHeaders.seen[0]?.key).toBe("bare-1");
    expect(callOf(response).key).toBe("bare-1");
  });

  it("is sent bare where the server wants that", async () => {
    const { ask, seen } = clientOf([status(201)], { keyForm: "bare" });
    await ask({ method: "POST", idempotencyKey: "order-7" });
    expect(seen[0]?.key).toBe("order-7");
    expect(await ask({ method: "POST", idempotencyKey: "a b" })).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  it.each([
    ["a cut connection", cut()],
    ["a connection that was never made", refused()],
    ["502", status(502)],
    ["503", status(503)],
    ["504", status(504)],
    ["408", status(408)],
    ["425", status(425)],
    ["429", status(429)],
    ["409 that says when", status(409, { "retry-after": "1" })],
  ])("is sent again after %s, the same and under the same key", async (_what, reply) => {
    const { ask, seen } = clientOf([reply, reply, status(201)]);
    const response = (await ask({ method: "POST", body: '{"a":1}' })) as Response;
    expect(response.status).toBe(201);
    expect(callOf(response).attempts).toBe(3);
    expect(new Set(seen.map(({ key, body, type }) => `${key}${body}${type}`)).size).toBe(1);
  });

  it.each([200, 201, 303, 400, 401, 403, 404, 409, 413, 422, 500, 501])(
    "is not sent again after %i",
    async (code) => {
      const { ask, seen } = clientOf([status(code), status(201)]);
      expect(((await ask()) as Response).status).toBe(code);
      expect(seen.length).toBe(1);
    },
  );

  it("takes a replay for the answer, whatever its status", async () => {
    const { ask } = clientOf([status(503, { "idempotent-replayed": "true", "retry-after": "1" })]);
    const response = (await ask()) as Response;
    expect(callOf(response)).toMatchObject({ attempts: 1, replayed: true });
  });
});

describe("a pause", () => {
  it.each([
    ["seconds", () => "7", 7_000],
    ["a date", (nowMs: number) => new Date(nowMs + 5_000).toUTCString(), 4_000],
    ["a date that has passed", (nowMs: number) => new Date(nowMs - 5_000).toUTCString(), 0],
  ])("is as long as %s in Retry-After say, and a little spread", async (_what, header, waitMs) => {
    const wallMs = 1_767_225_600_000;
    const { ask, seen } = clientOf([status(503, { "retry-after": header(wallMs) }), status(201)]);
    await ask();
    const pausedMs = (seen[1]?.atMs ?? 0) - (seen[0]?.atMs ?? 0);
    expect(pausedMs).toBeGreaterThanOrEqual(waitMs);
    expect(pausedMs).toBeLessThan(waitMs + 1_200);
  });

  it.each(["soon", "7.5", "-1", "1e3", ""])("is drawn where Retry-After is %j", async (value) => {
    const { ask, seen } = clientOf([status(503, { "retry-after": value }), status(201)]);
    await ask();
    expect((seen[1]?.atMs ?? 0) - (seen[0]?.atMs ?? 0)).toBeLessThanOrEqual(200);
  });

  it("is not begun where it would outlast the deadline: the response is the answer", async () => {
    const { ask, seen } = clientOf([status(503, { "retry-after": "90" })]);
    expect(((await ask()) as Response).status).toBe(503);
    expect(seen.length).toBe(1);
  });

  it("ends with the caller's signal, and nothing is sent after it", async () => {
    const { ask, seen, runtime } = clientOf([status(503, { "retry-after": "10" })]);
    const leaving = new AbortController();
    runtime.time.setTimer(2_000, () => leaving.abort(new Error("leaving")));
    expect(await ask({ method: "POST", signal: leaving.signal })).toMatchObject({
      message: "leaving",
    });
    expect(seen.length).toBe(1);
  });
});

describe("the end of all tries", () => {
  it("is the last response, readable, where there was one", async () => {
    const { ask, seen } = clientOf([cut(), status(503)], { attempts: 3 });
    const response = (await ask()) as Response;
    expect([response.status, await response.text()]).toEqual([503, "status 503"]);
    expect([seen.length, callOf(response).attempts]).toEqual([3, 3]);
  });

  it("is an unknown outcome, with the key to ask again with, after no answer", async () => {
    const { ask, seen } = clientOf([cut()], { attempts: 3 });
    const error = await ask({ method: "POST", idempotencyKey: "order-7" });
    expect(seen.length).toBe(3);
    expect(error).toMatchObject({
      code: "OUTCOME_UNKNOWN",
      effect: "unknown",
      details: { operation: "fetch POST", key: "order-7" },
    });
  });

  it("is unknown, too, where an early try may have happened and the last did not", async () => {
    const { ask } = clientOf([cut(), refused()], { attempts: 3 });
    expect(await ask()).toMatchObject({ code: "OUTCOME_UNKNOWN", effect: "unknown" });
    const after504 = clientOf([status(504), refused()], { attempts: 3 });
    expect(await after504.ask()).toMatchObject({ code: "OUTCOME_UNKNOWN" });
  });

  it("is the connection's own error where nothing ever left", async () => {
    const { ask, seen } = clientOf([refused()], { attempts: 3 });
    const error = await ask();
    expect(isQuorateError(error)).toBe(false);
    expect(error).toMatchObject({ message: "fetch failed" });
    expect(seen.length).toBe(3);
  });

  it("comes at the deadline, and each try has its own", async () => {
    const never = (): Promise<Response> => new Promise(() => {});
    const { ask, seen, runtime } = clientOf([never], { attemptTimeoutMs: 4_000, attempts: 100 });
    const error = await ask({ method: "POST" }, 60_500);
    expect(error).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect(seen.length).toBeGreaterThan(8);
    expect(seen.length).toBeLessThan(17);
    expect(runtime.pendingTimers).toBe(0);
  });
});

describe("a request without a key", () => {
  it("is retried where HTTP calls its method idempotent", async () => {
    const { ask, seen } = clientOf([cut(), status(200)]);
    const response = (await ask({ method: "PUT", body: "x" })) as Response;
    expect(callOf(response)).toEqual({ key: undefined, attempts: 2, replayed: false });
    expect(seen.map((one) => one.key)).toEqual([null, null]);
  });

  it("is retried otherwise only if nothing was sent", async () => {
    const sent = clientOf([cut(), status(200)], { methods: [] });
    expect(await sent.ask()).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect(sent.seen.length).toBe(1);
    const unsent = clientOf([refused(), status(200)], { methods: [] });
    expect(((await unsent.ask()) as Response).status).toBe(200);
  });
});

describe("a body", () => {
  it.each<readonly [string, () => IdempotentInit["body"]]>([
    ["text", () => "text"],
    ["a form", () => new URLSearchParams({ a: "1" })],
    ["bytes", () => new Uint8Array([1, 2, 255])],
    ["a blob", () => new Blob(["blob"], { type: "text/csv" })],
    ["a multipart form", () => multipart()],
    ["a factory of a stream", () => () => ReadableStream.from([Buffer.from("part")])],
    ["nothing", () => null],
  ])("is the same bytes in each try: %s", async (_what, make) => {
    const { ask, seen } = clientOf([cut(), status(503), status(201)]);
    const response = (await ask({ method: "POST", body: make() ?? null })) as Response;
    expect(response.status).toBe(201);
    expect(seen.length).toBe(3);
    expect(new Set(seen.map(({ body, type }) => `${type} ${body}`)).size).toBe(1);
  });

  it("that can be read once only is refused before anything is sent", async () => {
    const { ask, seen } = clientOf([status(201)]);
    const body = ReadableStream.from([Buffer.from("part")]);
    expect(await ask({ method: "POST", body })).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(seen.length).toBe(0);
  });
});

describe("a caller's mistake", () => {
  it.each<IdempotentInit>([
    { method: "POST", idempotencyKey: "" },
    { method: "POST", idempotencyKey: "a\r\nb: c" },
    { method: "POST", idempotencyKey: "k".repeat(256) },
    { method: "POST", idempotencyKey: "a", headers: { "idempotency-key": "a" } },
    { method: "POST", headers: { "idempotency-key": "a, b" } },
  ])("is told before anything is sent: %j", async (init) => {
    const { ask, seen } = clientOf([status(201)]);
    expect(await ask(init)).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(seen.length).toBe(0);
  });

  it("is a URL without origin, an option that does not exist, or another's response", async () => {
    await expect(fetchWithIdempotency(fetch)("/charges")).rejects.toThrow(/url must be/);
    const wrong = { retries: 3 } as FetchWithIdempotencyOptions;
    expect(() => fetchWithIdempotency(fetch, wrong)).toThrow(/retries/);
    expect(() => fetchWithIdempotency(fetch, { attempts: 0 })).toThrow(/attempts/);
    expect(() => callOf(new Response())).toThrow(/response must be/);
  });
});

function multipart(): FormData {
  const form = new FormData();
  form.set("a", "1");
  form.set("file", new Blob(["content"]), "a.txt");
  return form;
}
