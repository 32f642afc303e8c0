/**
 * One small application in each framework, with deadline, shedding and idempotency before its
 * handlers, in that order, and `errorProblem` behind them.
 */
import type { Server } from "node:http";

import { serve } from "@hono/node-server";
import express, { type App, type Express, type Next, type Req, type Res } from "express";
import express4 from "express4";
import fastify from "fastify";
import { type Context, Hono } from "hono";
import {
  currentDeadline,
  deadlineFetchHandler,
  deadlineOf,
  errorProblem,
  expressDeadline,
  expressIdempotency,
  expressShedding,
  fastifyDeadline,
  fastifyIdempotency,
  fastifyShedding,
  type HttpDeadlineOptions,
  type HttpIdempotencyOptions,
  type HttpSheddingOptions,
  honoDeadline,
  honoIdempotency,
  honoShedding,
  idempotentFetchHandler,
  type RequestDeadline,
  sheddingFetchHandler,
} from "../index.ts";
import { type RunningApp, runningApp } from "./world.fixture.ts";

/** What a handler answers: JSON with 200. */
export type DoorHandler = (
  current: RequestDeadline | undefined,
  own: RequestDeadline | undefined,
) => Promise<object>;

/** One application: its doors, and its handlers by path. */
export interface DoorsApp {
  readonly handlers: Readonly<Record<string, DoorHandler>>;
  readonly deadline?: HttpDeadlineOptions;
  readonly shedding?: Pick<HttpSheddingOptions<object>, "admission" | "lingerMs">;
  readonly idempotency?: HttpIdempotencyOptions<object>["idempotency"];
}

/** Starts it in one framework. */
export type StartDoors = (app: DoorsApp) => Promise<RunningApp>;

const scope = (): string => "acme";

/** Express 5 or 4. */
export const startExpress =
  (make: Express): StartDoors =>
  ({ deadline, handlers, idempotency, shedding }) => {
    const app: App = make();
    app.set("env", "test");
    app.use(expressDeadline(deadline));
    if (shedding !== undefined) app.use(expressShedding(shedding));
    app.use(make.json());
    if (idempotency !== undefined) app.use(expressIdempotency({ idempotency, scope }));
    for (const [path, handle] of Object.entries(handlers)) {
      const handler = (req: Req, res: Res, next: Next): void => {
        const answer = (body: object): void => void res.status(200).json(body);
        handle(currentDeadline(), deadlineOf(req)).then(answer).catch(next);
      };
      app.post(path, handler).get(path, handler);
    }
    app.use((error: unknown, _req: Req, res: Res, next: Next) => {
      const problem = errorProblem(error);
      if (problem === undefined) return next(error);
      res.writeHead(problem.status, problem.headers).end(problem.body);
    });
    return new Promise((resolve) => {
      const server = app.listen(0, "127.0.0.1", () => resolve(runningApp(server)));
    });
  };

/** Fastify 5. */
export const startFastifyDoors: StartDoors = async (app) => {
  const { deadline, handlers, idempotency, shedding } = app;
  const server = fastify({ forceCloseConnections: true });
  server.addHook("onRequest", async (_request, reply) => {
    reply.header("x-added-to-all", "yes");
  });
  await server.register(fastifyDeadline(deadline));
  if (shedding !== undefined) await server.register(fastifyShedding(shedding));
  if (idempotency !== undefined) await server.register(fastifyIdempotency({ idempotency, scope }));
  server.setErrorHandler((error, _request, reply) => {
    const problem = errorProblem(error);
    if (problem === undefined) return reply.send(error);
    return reply.code(problem.status).headers(problem.headers).send(problem.body);
  });
  for (const [url, handle] of Object.entries(handlers)) {
    server.route({
      method: ["POST", "GET"],
      url,
      handler: async (request) => handle(currentDeadline(), deadlineOf(request)),
    });
  }
  await server.listen({ port: 0, host: "127.0.0.1" });
  return runningApp(server.server);
};

/** Hono 4. */
export const startHonoDoors: StartDoors = ({ deadline, handlers, idempotency, shedding }) => {
  const app = new Hono();
  app.use(honoDeadline(deadline));
  if (shedding !== undefined) app.use(honoShedding(shedding));
  if (idempotency !== undefined) app.use(honoIdempotency<Context>({ idempotency, scope }));
  app.onError((error) => {
    const problem = errorProblem(error);
    return new Response(problem?.body ?? error.message, problem ?? { status: 500 });
  });
  for (const [path, handle] of Object.entries(handlers)) {
    app.on(["POST", "GET"], path, async (c) =>
      c.json(await handle(currentDeadline(), deadlineOf(c))),
    );
  }
  return listen(app.fetch);
};

/** No framework. */
export const startFetchDoors: StartDoors = ({ deadline, handlers, idempotency, shedding }) => {
  let handler = async (request: Request): Promise<Response> => {
    const handle = handlers[new URL(request.url).pathname];
    if (handle === undefined) return new Response(null, { status: 404 });
    // A request made anew on the way in is not the one that the deadline was read from.
    const own = idempotency === undefined ? deadlineOf(request) : currentDeadline();
    return Response.json(await handle(currentDeadline(), own));
  };
  if (idempotency !== undefined) handler = idempotentFetchHandler(handler, { idempotency, scope });
  if (shedding !== undefined) handler = sheddingFetchHandler(handler, shedding);
  const whole = deadlineFetchHandler(handler, deadline);
  return listen(async (request) => {
    try {
      return await whole(request);
    } catch (error) {
      const problem = errorProblem(error);
      return new Response(problem?.body ?? "failed", problem ?? { status: 500 });
    }
  });
};

/** All of them, by their names. */
export const doorsApps: readonly (readonly [string, StartDoors])[] = [
  ["express 5", startExpress(express)],
  ["express 4", startExpress(express4)],
  ["fastify 5", startFastifyDoors],
  ["hono 4", startHonoDoors],
  ["fetch", startFetchDoors],
];

function listen(fetch: (request: Request) => Response | Promise<Response>): Promise<RunningApp> {
  return new Promise((resolve) => {
    const server = serve({ fetch, port: 0, hostname: "127.0.0.1" }, () =>
      resolve(runningApp(server as Server)),
    );
  });
}
