/**
 * The test application in Hono 4, and as a bare handler of the fetch types, both on sockets.
 */
import { createReadStream } from "node:fs";
import type { Server } from "node:http";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

import { serve } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { type IdempotencyContext, idempotencyOf } from "../context.ts";
import { idempotentFetchHandler } from "../fetch/fetch-handler.ts";
import { honoIdempotency } from "../hono.ts";
import {
  type AppOptions,
  binary,
  large,
  parts,
  type RunningApp,
  runningApp,
  spelled,
  type World,
  zipped,
} from "./world.fixture.ts";

type Handle = (run: number) => Response | Promise<Response>;

/** Hono 4. */
export function startHono(world: World, options: AppOptions): Promise<RunningApp> {
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    c.header("x-added-to-all", "yes"); // As a middleware for CORS does.
  });
  app.use(
    honoIdempotency<Context>({
      ...options,
      idempotency: world.idempotency,
      scope: (c) => c.req.header("x-tenant") ?? "",
    }),
  );
  app.onError((error, c) => c.text(error.message, 500));
  for (const [route, handle] of routes(world)) {
    app.on(["POST", "GET"], `/${route}`, async (c) => {
      if (c.req.method === "POST") await c.req.json(); // The body is there for handlers, too.
      return handle(world.run(route, idempotencyOf(c)));
    });
  }
  return listen(app.fetch);
}

/** No framework. */
export function startFetch(world: World, options: AppOptions): Promise<RunningApp> {
  const known = routes(world);
  const answer = async (
    request: Request,
    context: IdempotencyContext | undefined,
  ): Promise<Response> => {
    const route = new URL(request.url).pathname.slice(1);
    if (request.method === "POST") await request.json();
    const handle = known.get(route);
    if (handle === undefined) return new Response(null, { status: 404 });
    return handle(world.run(route, context));
  };
  const handler = idempotentFetchHandler(answer, {
    ...options,
    idempotency: world.idempotency,
    scope: (request) => request.headers.get("x-tenant") ?? "",
  });
  return listen((request) =>
    handler(request).catch((error: unknown) => new Response(String(error), { status: 500 })),
  );
}

function routes(world: World): ReadonlyMap<string, Handle> {
  const text = { "content-type": "text/plain" };
  return new Map<string, Handle>([
    [
      "json",
      (run) => {
        const type = "application/json";
        const headers = { "content-type": type, location: `/things/${run}`, etag: `"${run}"` };
        return new Response(spelled(run), { status: 201, headers });
      },
    ],
    [
      "binary",
      (run) =>
        new Response(Buffer.from(binary(run)), {
          headers: { "content-type": "application/octet-stream" },
        }),
    ],
    ["empty", () => new Response("")],
    ["no-content", () => new Response(null, { status: 204 })],
    [
      "redirect",
      (run) => new Response(null, { status: 303, headers: { location: `/things/${run}` } }),
    ],
    [
      "gzip",
      (run) =>
        new Response(Buffer.from(zipped(run)), {
          headers: { ...text, "content-encoding": "gzip" },
        }),
    ],
    [
      "private",
      (run) =>
        Response.json({ run }, { headers: { "set-cookie": `session=s${run}`, "x-run": `${run}` } }),
    ],
    ["missing", (run) => Response.json({ run }, { status: 404 })],
    ["forbidden", (run) => Response.json({ run }, { status: 403 })],
    ["unwell", (run) => Response.json({ run }, { status: 500 })],
    ["large", (run) => new Response(large(run), { headers: text })],
    [
      "throws",
      (run) => {
        throw new Error(`run ${run}`);
      },
    ],
    ["rejects", async (run) => Promise.reject(new Error(`run ${run}`))],
    ["streamed", (run) => new Response(ReadableStream.from(parts(run)), { headers: text })],
    [
      "slow",
      async (run) => {
        await world.passGate();
        return Response.json({ run }, { status: 201, headers: { location: `/slow/${run}` } });
      },
    ],
    [
      "events",
      (run) =>
        new Response(`data: ${run}\n\n`, { headers: { "content-type": "text/event-stream" } }),
    ],
    ["file", () => new Response(fileStream(), { headers: text })],
  ]);
}

function fileStream(): ReadableStream {
  return Readable.toWeb(createReadStream(fileURLToPath(import.meta.url))) as ReadableStream;
}

function listen(fetch: (request: Request) => Response | Promise<Response>): Promise<RunningApp> {
  return new Promise((resolve) => {
    const server = serve({ fetch, port: 0, hostname: "127.0.0.1" }, () =>
      resolve(runningApp(server as Server)),
    );
  });
}
