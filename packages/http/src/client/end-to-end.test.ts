/**
 * Client and server on real sockets, and a connection between them that breaks.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

import { afterEach, describe, expect, it } from "vitest";

import { startExpress5 } from "../apps/express-app.fixture.ts";
import { startFastify } from "../apps/fastify-app.fixture.ts";
import { startHono } from "../apps/fetch-app.fixture.ts";
import { type StartApp, World } from "../apps/world.fixture.ts";
import { callOf, fetchWithIdempotency } from "./fetch-with-idempotency.ts";

const opened: { close(): unknown }[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

/** Passes requests on to `port`; swallows the answers on the first `lost` connections. */
function lossyLink(port: number, lost: number): Promise<{ url: string; connections(): number }> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server: Server = createServer((client) => {
    connections += 1;
    const loses = connections <= lost;
    const upstream = connect(port, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
    }
    client.pipe(upstream);
    // The server has answered, so it has run: now the way back breaks.
    if (loses) upstream.once("data", () => client.destroy());
    else upstream.pipe(client);
    client.on("close", () => upstream.destroy());
  });
  opened.push({
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port: own } = server.address() as AddressInfo;
      resolve({ url: `http://127.0.0.1:${own}`, connections: () => connections });
    });
  });
}

describe.each<readonly [string, StartApp]>([
  ["express", startExpress5],
  ["fastify", startFastify],
  ["hono", startHono],
])("a client of %s", (_name, start) => {
  async function open(lost: number) {
    const world = new World();
    const app = await start(world, {});
    opened.push(app, world);
    const link = await lossyLink(app.port, lost);
    const send = fetchWithIdempotency(fetch, { backoffMs: 5 });
    const init = {
      method: "POST",
      body: JSON.stringify({ amount: 7 }),
      headers: { "content-type": "application/json", "x-tenant": "acme" },
    };
    return { world, link, send: (path: string) => send(`${link.url}${path}`, init) };
  }

  it("whose answers get lost is given the first in the end; the handler runs once", async () => {
    const { world, link, send } = await open(2);
    const response = await send("/json");
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ run: 1 });
    expect(callOf(response)).toMatchObject({ attempts: 3, replayed: true });
    expect([world.runs("json"), link.connections()]).toEqual([1, 3]);
  });

  it("that comes back while the first try runs waits for its end", async () => {
    const { world, link } = await open(0);
    const send = fetchWithIdempotency(fetch, { attemptTimeoutMs: 100, backoffMs: 5, attempts: 20 });
    const asked = send(`${link.url}/slow`, {
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json", "x-tenant": "acme" },
    });
    await world.entered.promise;
    setTimeout(() => world.gate.resolve(), 150);
    const response = await asked;
    expect([response.status, world.runs("slow")]).toEqual([201, 1]);
    expect(callOf(response)).toMatchObject({ replayed: true });
  });

  it("sees what it would see without any of this, where nothing breaks", async () => {
    const { send } = await open(0);
    const response = await send("/gzip");
    expect(await response.text()).toBe("run 1 ".repeat(20)); // Decoded, as fetch does.
    expect(callOf(response)).toMatchObject({ attempts: 1, replayed: false });
  });
});
