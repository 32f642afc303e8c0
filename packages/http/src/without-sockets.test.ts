/**
 * As people test their applications: Fastify's `inject`, Hono's `app.request`.
 */
import fastify from "fastify";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { expect, it } from "vitest";

import { createIdempotency } from "@quorate/idempotency";
import { memoryBackend } from "@quorate/memory";
import { fastifyIdempotency } from "./fastify.ts";
import { honoIdempotency } from "./hono.ts";

const headers = { "idempotency-key": '"k-1"', "content-type": "application/json" };

it("works under Fastify's inject, and only on the instance that it was registered on", async () => {
  const idempotency = createIdempotency(memoryBackend());
  const app = fastify();
  let runs = 0;
  app.post("/free", async () => ({ run: ++runs }));
  await app.register(async (scoped) => {
    await scoped.register(fastifyIdempotency({ idempotency, scope: () => "acme" }));
    scoped.post("/kept", async () => ({ run: ++runs }));
    scoped.post(
      "/checked",
      { schema: { body: { type: "object", required: ["a"] } } },
      async () => ({
        run: ++runs,
      }),
    );
  });
  const post = async (url: string, body: object = {}) => {
    const { statusCode, json } = await app.inject({ method: "POST", url, headers, body });
    return [statusCode, json<{ run?: number }>().run];
  };
  expect(await post("/kept")).toEqual([200, 1]);
  expect(await post("/kept")).toEqual([200, 1]);
  expect(await post("/free")).toEqual([200, 2]);
  expect(await post("/free")).toEqual([200, 3]);
  // Refused by validation before the key was looked at: the corrected request is a first one.
  expect((await post("/checked", { b: 1 }))[0]).toBe(400);
  expect(await post("/checked", { a: 1 })).toEqual([200, 4]);
  await app.close();
});

it("works under Hono's app.request, after a middleware that has read the body", async () => {
  const idempotency = createIdempotency(memoryBackend());
  const app = new Hono();
  let runs = 0;
  app.use(bodyLimit({ maxSize: 1_000 }), async (c, next) => {
    await c.req.json();
    await next();
  });
  app.use(honoIdempotency({ idempotency, scope: () => "acme" }));
  app.post("/:id", async (c) => {
    const { amount } = await c.req.json<{ amount: number }>();
    return c.json({ run: ++runs, amount, id: c.req.param("id") }, 201);
  });
  const post = async (amount: number) => {
    const body = JSON.stringify({ amount });
    const response = await app.request("/7", { method: "POST", headers, body });
    return [response.status, await response.json()];
  };
  expect(await post(5)).toEqual([201, { run: 1, amount: 5, id: "7" }]);
  expect(await post(5)).toEqual([201, { run: 1, amount: 5, id: "7" }]);
  expect((await post(6))[0]).toBe(422);
});
