/**
 * Among other middlewares: parsers before it, wrappers of the response around it and within it.
 */
import type { ServerResponse } from "node:http";

import express, { type Handler } from "express";
import { afterEach, describe, expect, it } from "vitest";

import { ask, type Got, problemOf } from "./apps/client.fixture.ts";
import { type RunningApp, runningApp, World } from "./apps/world.fixture.ts";
import { expressIdempotency } from "./express.ts";
import type { HttpIdempotencyOptions } from "./options.ts";

const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

/** Turns text into capitals, as a compressor turns it into less: by wrapping `write` and `end`. */
const capitals: Handler = (_req, res, next) => {
  const { write, end } = res;
  const loud = (chunk: unknown): unknown =>
    chunk === undefined || chunk === null
      ? chunk
      : Buffer.from((chunk as string | Buffer).toString().toUpperCase());
  Object.assign(res, {
    write: (chunk: unknown) => Reflect.apply(write, res, [loud(chunk)]) as unknown,
    end: (chunk: unknown) => {
      if (!res.headersSent) res.removeHeader("content-length");
      return Reflect.apply(end, res, [loud(chunk)]) as unknown;
    },
  });
  next();
};

/** Sets a header at the very last moment, as a session sets its cookie: by wrapping `writeHead`. */
const stamps: Handler = (_req, res, next) => {
  const { writeHead } = res;
  let stamp = 0;
  Object.assign(res, {
    writeHead(this: ServerResponse, ...args: unknown[]) {
      this.setHeader("x-stamp", String(++stamp));
      return Reflect.apply(writeHead, this, args) as unknown;
    },
  });
  next();
};

async function open(
  before: readonly Handler[],
  after: readonly Handler[],
  handler: Handler,
  options: Partial<HttpIdempotencyOptions<object>> = {},
) {
  const world = new World();
  const app = express();
  app.set("env", "test");
  for (const one of before) app.use(one);
  app.use(expressIdempotency({ ...options, idempotency: world.idempotency, scope: () => "acme" }));
  for (const one of after) app.use(one);
  app.post("/", (req, res, next) => {
    world.run("/");
    return handler(req, res, next);
  });
  const running = await new Promise<RunningApp>((resolve) => {
    const server = app.listen(0, "127.0.0.1", () => resolve(runningApp(server)));
  });
  opened.push(running, world);
  const post = (more: object = {}): Promise<Got> => ask(running.port, "/", { key: "k-1", ...more });
  return { world, post };
}

const parser = express.json();
const json: Handler = (_req, res) => res.status(201).json({ word: "quiet" });

describe.each([
  ["around it", [parser, capitals, stamps], []],
  ["within it", [parser], [capitals, stamps]],
])("a wrapper of the response %s", (_where, before, after) => {
  it.each<readonly [string, Handler]>([
    ["an answer in one piece", json],
    [
      "a stream",
      (_req, res) => {
        res.writeHead(201, { "content-type": "application/json" });
        res.write('{"word":');
        setTimeout(() => res.end('"quiet"}'), 5);
      },
    ],
  ])("does its work once on %s, and the replay is the same", async (_what, handler) => {
    const { world, post } = await open(before, after, handler);
    const [first, second] = [await post(), await post()];
    expect(first.body.toString()).toBe('{"WORD":"QUIET"}');
    expect(second.body.equals(first.body)).toBe(true);
    expect([first.status, second.status, world.runs("/")]).toEqual([201, 201, 1]);
    expect(first.headers["x-stamp"]).toBe("1");
  });
});

describe("a body", () => {
  it("that no parser has read is not compared with anything: the request is refused", async () => {
    const { world, post } = await open([], [parser], json);
    const got = await post();
    expect([got.status, problemOf(got)]).toEqual([415, "request-unread"]);
    expect(world.runs("/")).toBe(0);
  });

  it("need not be read where the service says itself what counts", async () => {
    const { world, post } = await open([], [parser], json, { fingerprint: () => "all alike" });
    await post();
    expect((await post({ body: "{}" })).status).toBe(201);
    expect(world.runs("/")).toBe(1);
  });

  it("counts by its value where it is parsed, by its bytes where those are kept", async () => {
    const byValue = await open([parser], [], json);
    await byValue.post({ body: '{"a":1,"b":2}' });
    expect((await byValue.post({ body: '{ "b": 2, "a": 1 }' })).status).toBe(201);

    const raw: Handler = (req, _res, next) => {
      Object.assign(req, { rawBody: Buffer.from(JSON.stringify(req.body)) });
      next();
    };
    const byBytes = await open([parser, raw], [], json);
    await byBytes.post({ body: '{"a":1,"b":2}' });
    expect((await byBytes.post({ body: '{"b":2,"a":1}' })).status).toBe(422);
  });

  it("may be missing altogether", async () => {
    const { world, post } = await open([parser], [], json);
    await post({ body: "" });
    expect((await post({ body: "" })).headers["idempotent-replayed"]).toBe("true");
    expect((await post({ body: '{"a":1}' })).status).toBe(422);
    expect(world.runs("/")).toBe(1);
  });
});

describe("a wrapper that throws at the end", () => {
  it("breaks the connection, as the answer is stored already; a retry is given it", async () => {
    let throws = true;
    const fragile: Handler = (_req, res, next) => {
      const { end } = res;
      res.end = (...args: unknown[]) => {
        if (throws) throw new Error("wrapper");
        return Reflect.apply(end, res, args) as typeof res;
      };
      next();
    };
    const { world, post } = await open([parser, fragile], [], json);
    await expect(post()).rejects.toThrow("socket hang up");
    throws = false;
    expect((await post()).headers["idempotent-replayed"]).toBe("true");
    expect(world.runs("/")).toBe(1);
  });
});

describe("a middleware that answers by itself", () => {
  it("may do so while a duplicate waits: nothing breaks, and nothing is sent twice", async () => {
    const impatient: Handler = (req, res, next) => {
      const hurries = req.headers["x-impatient"] !== undefined;
      if (hurries) setTimeout(() => res.status(503).json({ late: true }), 30);
      next();
    };
    let finish = (): void => {};
    const slow: Handler = (_req, res) => {
      finish = () => void res.status(201).json({ done: true });
    };
    const { world, post } = await open([parser, impatient], [], slow);
    const first = post();
    while (world.runs("/") === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    expect((await post({ headers: { "x-impatient": "yes" } })).status).toBe(503);
    finish();
    expect((await first).status).toBe(201);
    expect(world.runs("/")).toBe(1);
  });
});

describe("what throws before the handler", () => {
  it("goes to the framework: a scope that knows nobody", async () => {
    const { world, post } = await open([parser], [], json, {
      route: () => {
        throw Object.assign(new Error("who are you?"), { status: 401 });
      },
    });
    expect((await post()).status).toBe(401);
    expect(world.runs("/")).toBe(0);
  });
});
