/**
 * The test application in Express, 5 or 4.
 */
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

import express, { type App, type Express, type Handler } from "express";
import express4 from "express4";
import { idempotencyOf } from "../context.ts";
import { expressIdempotency } from "../express.ts";
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

/** Express 5. */
export function startExpress5(world: World, options: AppOptions): Promise<RunningApp> {
  return start(express, world, options);
}

/** Express 4, where a handler must hand on the rejection of its promise itself. */
export function startExpress4(world: World, options: AppOptions): Promise<RunningApp> {
  return start(express4, world, options);
}

async function start(make: Express, world: World, options: AppOptions): Promise<RunningApp> {
  const app = make();
  app.set("env", "test"); // No stack traces on the console.
  app.use(make.json());
  app.use(make.raw({ type: "text/plain" }));
  app.use(
    expressIdempotency({
      ...options,
      idempotency: world.idempotency,
      scope: (request) => String(request.headers["x-tenant"]),
    }),
  );
  const on = (route: string, handle: (run: number, ...args: Parameters<Handler>) => unknown) => {
    const handler: Handler = (req, res, next) =>
      handle(world.run(route, idempotencyOf(req)), req, res, next);
    app.post(`/${route}`, handler).get(`/${route}`, handler);
  };
  routes(on, world);
  rawRoutes(on);
  return listen(app);
}

type On = (route: string, handle: (run: number, ...args: Parameters<Handler>) => unknown) => void;

function routes(on: On, world: World): void {
  on("json", (run, _req, res) => {
    res.status(201).set("location", `/things/${run}`).set("etag", `"${run}"`);
    res.type("application/json").send(spelled(run));
  });
  on("binary", (run, _req, res) => res.type("application/octet-stream").send(binaryBuffer(run)));
  on("empty", (_run, _req, res) => res.status(200).send(""));
  on("no-content", (_run, _req, res) => res.sendStatus(204));
  on("redirect", (run, _req, res) => res.redirect(303, `/things/${run}`));
  on("gzip", (run, _req, res) =>
    res
      .type("text/plain")
      .set("content-encoding", "gzip")
      .send(Buffer.from(zipped(run))),
  );
  on("private", (run, _req, res) =>
    res.cookie("session", `s${run}`).set("x-run", `${run}`).json({ run }),
  );
  on("missing", (run, _req, res) => res.status(404).json({ run }));
  on("forbidden", (run, _req, res) => res.status(403).json({ run }));
  on("unwell", (run, _req, res) => res.status(500).json({ run }));
  on("large", (run, _req, res) => res.type("text/plain").send(large(run)));
  on("throws", (run) => {
    throw new Error(`run ${run}`);
  });
  on("rejects", (run, _req, _res, next) => Promise.reject(new Error(`run ${run}`)).catch(next));
  on("twice", (run, _req, res) => {
    res.status(201).json({ run });
    res.status(500).json({ second: true });
  });
  on("late-throw", (run, _req, res) => {
    res.status(201).json({ run });
    throw new Error("after the answer");
  });
  on("streamed", (run, _req, res) => Readable.from(parts(run)).pipe(res.type("text/plain")));
  on("slow", async (run, _req, res) => {
    await world.passGate();
    res.status(201).set("location", `/slow/${run}`).json({ run });
  });
}

/** By the means of Node alone, and what Express has beside. */
function rawRoutes(on: On): void {
  on("head", (run, _req, res) => {
    res.writeHead(202, "Taken", { "content-type": "text/plain", "x-other": "1" });
    res.end(`run ${run}`);
  });
  on("written", (run, _req, res) => {
    res.setHeader("content-type", "text/plain");
    res.write("one ");
    res.write("74776f20", "hex");
    res.end(`run ${run}`, "latin1");
  });
  on("events", (run, _req, res) => {
    res.writeHead(200, { "content-type": "text/event-stream" });
    res.write(`data: ${run}\n\n`);
    res.end();
  });
  on("file", (_run, _req, res) => res.sendFile(fileURLToPath(import.meta.url)));
  on("wrong-write", (_run, _req, res) => res.write(7));
  on("wrong-end", (_run, _req, res) => res.end(7));
  on("endless", (run, _req, res) => {
    res.write(`run ${run}`);
  });
}

function binaryBuffer(run: number): Buffer {
  return Buffer.from(binary(run));
}

function listen(app: App): Promise<RunningApp> {
  return new Promise((resolve) => {
    const server = app.listen(0, "127.0.0.1", () => resolve(runningApp(server)));
  });
}
