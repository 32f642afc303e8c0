/**
 * Answers that are streamed, and clients that leave while they are.
 */
import { request } from "node:http";

import { afterEach, describe, expect, it } from "vitest";

import { ask, problemOf } from "./apps/client.fixture.ts";
import { startExpress5 } from "./apps/express-app.fixture.ts";
import { startFastify } from "./apps/fastify-app.fixture.ts";
import { startFetch, startHono } from "./apps/fetch-app.fixture.ts";
import { type AppOptions, type StartApp, World } from "./apps/world.fixture.ts";

const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

async function open(start: StartApp, options: AppOptions = {}) {
  const world = new World();
  const app = await start(world, { waitMs: 0, ...options });
  opened.push(app, world);
  return { world, port: app.port };
}

/** Asks, hears the first bytes, and hangs up. */
function hangUp(port: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      "idempotency-key": "k-1",
      "x-tenant": "acme",
      "content-type": "application/json",
    };
    const options = { host: "127.0.0.1", port, path, method: "POST", agent: false, headers };
    const outgoing = request(options, (incoming) => {
      incoming.on("error", () => {});
      incoming.once("data", () => {
        outgoing.destroy();
        resolve();
      });
    });
    outgoing.on("error", reject);
    outgoing.end('{"amount":7}');
  });
}

/** Asks until the key is free or answered. */
async function askUntilSettled(port: number, path: string) {
  for (;;) {
    const got = await ask(port, path, { key: "k-1" });
    if (problemOf(got) !== "in-flight") return got;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe.each<readonly [string, StartApp]>([
  ["hono", startHono],
  ["fetch", startFetch],
])("a client of %s that leaves during a stream", (_name, start) => {
  it("finds the whole of it when it comes back", async () => {
    const { world, port } = await open(start);
    await hangUp(port, "/streamed");
    const got = await askUntilSettled(port, "/streamed");
    expect(got.body.toString()).toBe("one two run 1");
    expect(got.headers["idempotent-replayed"]).toBe("true");
    expect(world.runs("streamed")).toBe(1);
  });
});

describe.each<readonly [string, StartApp]>([
  ["express", startExpress5],
  ["fastify", startFastify],
])("a client of %s that leaves during a stream", (_name, start) => {
  it("may have it run again, where that was asked for: nobody has the rest", async () => {
    const { world, port } = await open(start, { unkept: "release", cutOffMs: 30 });
    await hangUp(port, "/endless");
    const settled = askUntilSettled(port, "/endless-is-not-asked-again");
    expect((await settled).status).toBe(404);
    await new Promise((resolve) => setTimeout(resolve, 60));
    await hangUp(port, "/endless");
    expect(world.runs("endless")).toBe(2);
  });

  it("is told that it ran: Node's pipe has stopped, and nobody has the rest", async () => {
    const { world, port } = await open(start, { cutOffMs: 30 });
    await hangUp(port, "/endless");
    const got = await askUntilSettled(port, "/endless");
    expect([got.status, problemOf(got)]).toEqual([409, "answer-not-kept"]);
    expect(world.runs("endless")).toBe(1);
  });
});
