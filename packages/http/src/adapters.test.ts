/**
 * One table of cases against every adapter, over real sockets: the rows of the draft's table, and
 * whatever a handler may do to answer.
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

import { afterEach, describe, expect, it } from "vitest";

import { ask, type Got, problemOf } from "./apps/client.fixture.ts";
import { startExpress4, startExpress5 } from "./apps/express-app.fixture.ts";
import { startFastify } from "./apps/fastify-app.fixture.ts";
import { startFetch, startHono } from "./apps/fetch-app.fixture.ts";
import {
  type AppOptions,
  binary,
  large,
  MAX_BODY_BYTES,
  type RunningApp,
  spelled,
  type StartApp,
  World,
} from "./apps/world.fixture.ts";

const node = ["express 5", "express 4", "fastify 5"];
const apps: readonly (readonly [string, StartApp])[] = [
  ["express 5", startExpress5],
  ["express 4", startExpress4],
  ["fastify 5", startFastify],
  ["hono 4", startHono],
  ["fetch", startFetch],
];

/** A route, what its first answer is, and whether the second is a replay of it. */
interface Case {
  readonly route: string;
  readonly status: number;
  readonly stored: boolean;
  readonly only?: readonly string[];
  readonly looks?: (got: Got) => void;
}

const text = (got: Got) => got.body.toString();
const cases: readonly Case[] = [
  {
    route: "json",
    status: 201,
    stored: true,
    looks: (got) => {
      expect(text(got)).toBe(spelled(1));
      expect(got.headers).toMatchObject({ location: "/things/1", etag: '"1"' });
      expect(got.headers["content-type"]).toMatch(/^application\/json/);
    },
  },
  {
    route: "binary",
    status: 200,
    stored: true,
    looks: (got) => expect(got.body.equals(binary(1))).toBe(true),
  },
  { route: "empty", status: 200, stored: true, looks: (got) => expect(text(got)).toBe("") },
  { route: "no-content", status: 204, stored: true, looks: (got) => expect(text(got)).toBe("") },
  {
    route: "redirect",
    status: 303,
    stored: true,
    looks: (got) => expect(got.headers.location).toBe("/things/1"),
  },
  {
    route: "gzip",
    status: 200,
    stored: true,
    looks: (got) => {
      expect(got.headers["content-encoding"]).toBe("gzip");
      expect(gunzipSync(got.body).toString()).toBe("run 1 ".repeat(20));
    },
  },
  { route: "missing", status: 404, stored: true },
  { route: "forbidden", status: 403, stored: false },
  { route: "unwell", status: 500, stored: false },
  { route: "throws", status: 500, stored: false },
  { route: "rejects", status: 500, stored: false },
  { route: "wrong-write", status: 500, stored: false, only: ["express 5", "express 4"] },
  { route: "wrong-end", status: 500, stored: false, only: ["express 5", "express 4"] },
  { route: "twice", status: 201, stored: true, only: node },
  { route: "late-throw", status: 201, stored: true, only: node },
  {
    route: "streamed",
    status: 200,
    stored: true,
    looks: (got) => expect(text(got)).toBe("one two run 1"),
  },
  {
    route: "written",
    status: 200,
    stored: true,
    only: node,
    looks: (got) => expect(text(got)).toBe("one two run 1"),
  },
  {
    route: "head",
    status: 202,
    stored: true,
    only: node,
    looks: (got) => expect(text(got)).toBe("run 1"),
  },
  {
    route: "large",
    status: 200,
    stored: false,
    looks: (got) => {
      expect(text(got).length).toBe(large(1).length);
      expect(got.headers["idempotency-not-stored"]).toBe("too-large");
    },
  },
  {
    route: "events",
    status: 200,
    stored: false,
    looks: (got) => expect(got.headers["idempotency-not-stored"]).toBe("stream"),
  },
];

const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

async function open(start: StartApp, options: AppOptions = {}) {
  const world = new World();
  const app: RunningApp = await start(world, { maxBodyBytes: MAX_BODY_BYTES, ...options });
  opened.push(app, world);
  return { world, port: app.port };
}

/** What of two answers must be alike, byte by byte. */
function essence({ status, headers, body }: Got) {
  const names = ["content-type", "content-encoding", "location", "etag"] as const;
  return { status, body: body.toString("base64"), headers: names.map((name) => headers[name]) };
}

describe.each(apps)("%s", (name, start) => {
  it.each(cases.filter(({ only }) => only?.includes(name) ?? true))(
    "answers /$route with $status (replayed: $stored)",
    async ({ route, status, stored, looks }) => {
      const { world, port } = await open(start, { unkept: "release" });
      const first = await ask(port, `/${route}`, { key: '"k-1"' });
      expect(first.status).toBe(status);
      expect(first.headers["idempotent-replayed"]).toBeUndefined();
      looks?.(first);

      const second = await ask(port, `/${route}`, { key: '"k-1"' });
      expect(world.runs(route)).toBe(stored ? 1 : 2);
      expect(second.headers["idempotent-replayed"]).toBe(stored ? "true" : undefined);
      if (stored) expect(essence(second)).toEqual(essence(first));
      else expect(second.status).toBe(status);
    },
  );

  it("replays neither cookies nor the date nor headers of the moment", async () => {
    const { port } = await open(start);
    const first = await ask(port, "/private", { key: "k-1" });
    expect(first.headers["set-cookie"]?.[0]).toContain("session=s1");
    expect(first.headers["x-run"]).toBe("1");
    const second = await ask(port, "/private", { key: "k-1" });
    expect(second.headers["idempotent-replayed"]).toBe("true");
    expect(second.headers["set-cookie"]).toBeUndefined();
    expect(second.headers["x-run"]).toBeUndefined();
    expect(second.body.equals(first.body)).toBe(true);
  });

  it("streams a file, and runs again, if asked to, for what was too long to keep", async () => {
    const { world, port } = await open(start, { maxBodyBytes: 64, unkept: "release" });
    const first = await ask(port, "/file", { key: "k-1" });
    const folder = new URL("./apps/", import.meta.url);
    const files = ["express-app", "fastify-app", "fetch-app"];
    const bodies = files.map((file) => readFileSync(new URL(`${file}.fixture.ts`, folder), "utf8"));
    expect(bodies).toContain(first.body.toString());
    await ask(port, "/file", { key: "k-1" });
    expect(world.runs("file")).toBe(2);
  });

  it("replays a streamed file that is short enough", async () => {
    const { world, port } = await open(start, { maxBodyBytes: 100_000 });
    const first = await ask(port, "/file", { key: "k-1" });
    const second = await ask(port, "/file", { key: "k-1" });
    expect(world.runs("file")).toBe(1);
    expect(essence(second)).toEqual(essence(first));
  });

  it("says 400 for a key that is missing, where one is required", async () => {
    const { world, port } = await open(start);
    const got = await ask(port, "/json");
    expect([got.status, problemOf(got)]).toEqual([400, "key-missing"]);
    expect(JSON.parse(got.body.toString())).toMatchObject({
      title: "Idempotency-Key is missing",
      status: 400,
    });
    expect(world.runs("json")).toBe(0);

    const lenient = await open(start, { required: false });
    expect((await ask(lenient.port, "/json")).status).toBe(201);
    expect(lenient.world.contexts).toEqual([undefined]);
  });

  it.each(['""', '"a', ":YQ==:", '"a", "b"', "k".repeat(256)])(
    "says 400 for a key that is none: %s",
    async (key) => {
      const { world, port } = await open(start);
      const got = await ask(port, "/json", { key });
      expect([got.status, problemOf(got)]).toEqual([400, "key-invalid"]);
      expect(world.runs("json")).toBe(0);
    },
  );

  it("says 400 for two keys, line by line", async () => {
    const { world, port } = await open(start);
    const got = await ask(port, "/json", { headers: { "idempotency-key": ["a", "a"] } });
    expect([got.status, problemOf(got)]).toEqual([400, "key-invalid"]);
    expect(world.runs("json")).toBe(0);
  });

  it("takes the quoted and the bare form for one key, unless it is strict", async () => {
    const { world, port } = await open(start);
    await ask(port, "/json", { key: "k-1" });
    await ask(port, "/json", { key: '"k-1";of=no-interest' });
    expect(world.runs("json")).toBe(1);
    const strict = await open(start, { strict: true });
    expect(problemOf(await ask(strict.port, "/json", { key: "k-1" }))).toBe("key-invalid");
  });

  it.each([
    ["body", "/json", { body: '{"amount":8}' }],
    ["query", "/json?really=yes", {}],
    ["media type", "/json", { headers: { "content-type": "text/plain" } }],
  ])("says 422 for a key that comes back with another %s", async (_what, path, more) => {
    const { world, port } = await open(start);
    await ask(port, "/json", { key: "k-1" });
    const got = await ask(port, path, { key: "k-1", ...more });
    expect([got.status, problemOf(got)]).toEqual([422, "key-reused"]);
    expect(world.runs("json")).toBe(1);
  });

  it("says 409 instead where 422 has another meaning", async () => {
    const { port } = await open(start, { mismatchStatus: 409 });
    await ask(port, "/json", { key: "k-1" });
    const got = await ask(port, "/json", { key: "k-1", body: "{}" });
    expect([got.status, problemOf(got)]).toEqual([409, "key-reused"]);
    expect(got.headers["retry-after"]).toBeUndefined();
  });

  it("says 409 and when to come back while the first request runs", async () => {
    const { world, port } = await open(start, { waitMs: 0 });
    const first = ask(port, "/slow", { key: "k-1" });
    await world.entered.promise;
    const got = await ask(port, "/slow", { key: "k-1" });
    expect([got.status, problemOf(got)]).toEqual([409, "in-flight"]);
    expect(Number(got.headers["retry-after"])).toBeGreaterThan(0);
    const other = await ask(port, "/slow", { key: "k-1", body: "{}" });
    expect(problemOf(other)).toBe("key-reused"); // At once, not only when the first has ended.
    world.gate.resolve();
    expect((await first).status).toBe(201);
    expect(world.runs("slow")).toBe(1);
  });

  it("has a duplicate wait for the first one's answer", async () => {
    const { world, port } = await open(start);
    const first = ask(port, "/slow", { key: "k-1" });
    await world.entered.promise;
    const second = ask(port, "/slow", { key: "k-1" });
    setTimeout(() => world.gate.resolve(), 50);
    expect(essence(await second)).toEqual(essence(await first));
    expect((await second).headers["idempotent-replayed"]).toBe("true");
    expect(world.runs("slow")).toBe(1);
  });

  it("says 503 and runs nothing while the store is down", async () => {
    const { world, port } = await open(start);
    world.backend.faults.cut();
    const got = await ask(port, "/json", { key: "k-1" });
    expect([got.status, problemOf(got)]).toEqual([503, "store-unavailable"]);
    expect(got.headers["retry-after"]).toBe("1");
    expect(world.runs("json")).toBe(0);
    expect((await ask(port, "/json", { method: "GET" })).status).toBe(201);
  });

  it("runs without protection while the store is down, if asked to, and says so", async () => {
    const { world, port } = await open(start, { failOpen: true });
    world.backend.faults.cut();
    const got = await ask(port, "/json", { key: "k-1" });
    expect([got.status, got.headers["idempotency-not-stored"]]).toEqual([201, "store"]);
    expect(world.contexts).toEqual([undefined]);
  });

  it("leaves other methods alone", async () => {
    const { world, port } = await open(start);
    for (let run = 1; run <= 2; run++) {
      const got = await ask(port, "/json", { method: "GET", key: "k-1" });
      expect(got.body.toString()).toBe(spelled(run));
    }
    expect(world.contexts).toEqual([undefined, undefined]);
  });

  it("keeps equal keys of two tenants apart, and of two routes", async () => {
    const { world, port } = await open(start);
    const one = await ask(port, "/json", { key: "k-1", tenant: "acme" });
    const two = await ask(port, "/json", { key: "k-1", tenant: "other" });
    expect(two.headers["idempotent-replayed"]).toBeUndefined();
    expect(two.body.equals(one.body)).toBe(false);
    await ask(port, "/missing", { key: "k-1", tenant: "acme" });
    expect([world.runs("json"), world.runs("missing")]).toEqual([2, 1]);
    const keys = world.contexts.map((context) => context?.key);
    expect(new Set(keys).size).toBe(3);
    expect(world.contexts.map((context) => context?.clientKey)).toEqual(["k-1", "k-1", "k-1"]);
  });

  it("runs a handler once for a hundred duplicates at a time", async () => {
    const { world, port } = await open(start);
    const asked = Array.from({ length: 100 }, () => ask(port, "/slow", { key: "k-1" }));
    await world.entered.promise;
    setTimeout(() => world.gate.resolve(), 50);
    const answers = await Promise.all(asked);
    expect(world.runs("slow")).toBe(1);
    expect(new Set(answers.map((got) => JSON.stringify(essence(got)))).size).toBe(1);
    const replays = answers.filter((got) => got.headers["idempotent-replayed"] === "true");
    expect(replays.length).toBe(99);
  });

  it("runs to the end without its client, who then finds the answer", async () => {
    const { world, port } = await open(start);
    const leaving = new AbortController();
    const first = ask(port, "/slow", { key: "k-1", signal: leaving.signal });
    await world.entered.promise;
    leaving.abort();
    await expect(first).rejects.toThrow();
    const again = ask(port, "/slow", { key: "k-1" });
    setTimeout(() => world.gate.resolve(), 50);
    const got = await again;
    expect([got.status, got.headers["idempotent-replayed"]]).toEqual([201, "true"]);
    expect(world.runs("slow")).toBe(1);
    expect(world.contexts[0]?.signal.aborted).toBe(false);
  });

  it("tells a handler of the run before it that failed", async () => {
    const { world, port } = await open(start);
    await ask(port, "/throws", { key: "k-1" });
    await ask(port, "/throws", { key: "k-1" });
    const [one, two] = world.contexts;
    expect(one).toMatchObject({ takeover: false, attempt: 1, clientKey: "k-1" });
    expect(two).toMatchObject({ takeover: true, attempt: 2, key: one?.key });
    expect(two?.fencingToken).toBeGreaterThan(one?.fencingToken ?? Infinity);
  });

  it("sends its answer though the store goes down before it is stored, and says so", async () => {
    const { world, port } = await open(start, { storeWaitMs: 100 });
    const first = ask(port, "/slow", { key: "k-1" });
    await world.entered.promise;
    world.backend.faults.cut();
    world.gate.resolve();
    const got = await first;
    expect([got.status, got.headers["idempotency-not-stored"]]).toEqual([201, "store"]);
  });

  it("remembers that it ran, where the answer was too long to keep", async () => {
    const { world, port } = await open(start);
    const first = await ask(port, "/large", { key: "k-1" });
    expect(first.headers["idempotency-not-stored"]).toBe("too-large");
    const got = await ask(port, "/large", { key: "k-1" });
    expect([got.status, problemOf(got)]).toEqual([409, "answer-not-kept"]);
    expect(got.headers["retry-after"]).toBeUndefined();
    expect(world.runs("large")).toBe(1);
  });
});
