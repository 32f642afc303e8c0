/**
 * The test application in Fastify 5.
 */
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { idempotencyOf } from "../context.ts";
import { fastifyIdempotency } from "../fastify.ts";
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

/** Fastify 5. */
export async function startFastify(world: World, options: AppOptions): Promise<RunningApp> {
  const app = fastify({ forceCloseConnections: true });
  app.addHook("onRequest", async (_request, reply) => {
    reply.header("x-added-to-all", "yes"); // As a plugin for CORS does.
  });
  await app.register(
    fastifyIdempotency<FastifyRequest>({
      ...options,
      idempotency: world.idempotency,
      scope: (request) => String(request.headers["x-tenant"]),
    }),
  );
  const on: On = (route, handle) => {
    const handler = (request: FastifyRequest, reply: FastifyReply): unknown =>
      handle(world.run(route, idempotencyOf(request)), reply);
    app.route({ method: ["POST", "GET"], url: `/${route}`, handler });
  };
  routes(on, world);
  rawRoutes(on);
  await app.listen({ port: 0, host: "127.0.0.1" });
  return { port: runningApp(app.server).port, close: () => close(app) };
}

async function close(app: FastifyInstance): Promise<void> {
  app.server.closeAllConnections();
  await app.close();
}

type On = (route: string, handle: (run: number, reply: FastifyReply) => unknown) => void;

function routes(on: On, world: World): void {
  on("json", async (run, reply) => {
    reply.code(201).header("location", `/things/${run}`).header("etag", `"${run}"`);
    return reply.type("application/json").send(spelled(run));
  });
  on("binary", (run, reply) =>
    reply.type("application/octet-stream").send(Buffer.from(binary(run))),
  );
  on("empty", (_run, reply) => reply.code(200).send(""));
  on("no-content", async (_run, reply) => reply.code(204).send());
  on("redirect", (run, reply) => reply.redirect(`/things/${run}`, 303));
  on("gzip", (run, reply) =>
    reply
      .type("text/plain")
      .header("content-encoding", "gzip")
      .send(Buffer.from(zipped(run))),
  );
  on("private", async (run, reply) => {
    reply.header("set-cookie", `session=s${run}`).header("x-run", `${run}`);
    return { run };
  });
  on("missing", async (run, reply) => reply.code(404).send({ run }));
  on("forbidden", async (run, reply) => reply.code(403).send({ run }));
  on("unwell", async (run, reply) => reply.code(500).send({ run }));
  on("large", async (run, reply) => reply.type("text/plain").send(large(run)));
  on("throws", (run) => {
    throw new Error(`run ${run}`);
  });
  on("rejects", async (run) => {
    throw new Error(`run ${run}`);
  });
  on("twice", (run, reply) => {
    void reply.code(201).send({ run });
    void reply.code(500).send({ second: true });
  });
  // Not returning the reply is legal where `send` answers at once; it must stay so.
  on("late-throw", async (run, reply) => {
    void reply.code(201).send({ run });
    throw new Error("after the answer");
  });
  on("streamed", async (run, reply) => reply.type("text/plain").send(Readable.from(parts(run))));
  on("slow", async (run, reply) => {
    await world.passGate();
    void reply.code(201).header("location", `/slow/${run}`).send({ run });
  });
}

/** Past Fastify, by the means of Node. */
function rawRoutes(on: On): void {
  on("head", (run, reply) => {
    reply.hijack();
    reply.raw.writeHead(202, "Taken", ["content-type", "text/plain", "x-other", "1"]);
    reply.raw.end(`run ${run}`);
  });
  on("written", (run, reply) => {
    reply.hijack();
    reply.raw.setHeader("content-type", "text/plain");
    reply.raw.write("one ");
    reply.raw.write("74776f20", "hex");
    reply.raw.end(`run ${run}`);
  });
  on("events", (run, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { "content-type": "text/event-stream" });
    reply.raw.write(`data: ${run}\n\n`);
    reply.raw.end();
  });
  on("file", async (_run, reply) =>
    reply.type("text/plain").send(createReadStream(fileURLToPath(import.meta.url))),
  );
  on("endless", (run, reply) => {
    reply.hijack();
    reply.raw.write(`run ${run}`);
  });
}
