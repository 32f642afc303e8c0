/**
 * Runs that outlive their right to answer: the client is given the answer that counts.
 */
import { afterEach, describe, expect, it, vi } from "vitest";

import { ask, problemOf } from "./apps/client.fixture.ts";
import { startExpress5 } from "./apps/express-app.fixture.ts";
import { startFastify } from "./apps/fastify-app.fixture.ts";
import { startFetch, startHono } from "./apps/fetch-app.fixture.ts";
import { type AppOptions, type StartApp, World } from "./apps/world.fixture.ts";
import { lookupKey, requestFingerprint } from "./identity.ts";

const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

const amount = { amount: 7 };
const parsed = { kind: "value", value: amount } as const;
const bytes = { kind: "bytes", bytes: Buffer.from(JSON.stringify(amount)) } as const;

async function open(start: StartApp, body: typeof parsed | typeof bytes, options: AppOptions = {}) {
  const world = new World();
  const app = await start(world, options);
  opened.push(app, world);
  /** The first run loses its key, as by a pause beyond its lease, and another process takes it. */
  const takeOver = async (route: string) => {
    const target = `/${route}`;
    const key = lookupKey({ scope: "acme", method: "POST", route: target, key: "k-1" });
    await world.elsewhere.forget(key, { by: "test", why: "lost", evenIfRunning: true });
    const facts = { method: "POST", target, contentType: "application/json", body };
    const begun = await world.elsewhere.begin(key, { fingerprint: requestFingerprint(facts) });
    if (begun.kind !== "claimed") throw new Error("not claimed");
    return begun.execution;
  };
  return { world, port: app.port, takeOver };
}

describe.each<readonly [string, StartApp, typeof parsed | typeof bytes]>([
  ["express", startExpress5, parsed],
  ["fastify", startFastify, parsed],
  ["hono", startHono, bytes],
  ["fetch", startFetch, bytes],
])("a late run in %s", (_name, start, body) => {
  it("is given the winner's answer, not its own", async () => {
    const { world, port, takeOver } = await open(start, body);
    const late = ask(port, "/slow", { key: "k-1" });
    await world.entered.promise;
    const winner = await takeOver("slow");
    const headers = [["content-type", "text/plain"]];
    await winner.complete({ v: 1, status: 202, headers, text: "the winner's" });
    world.gate.resolve();
    const got = await late;
    expect([got.status, got.body.toString()]).toEqual([202, "the winner's"]);
    expect(got.headers["idempotent-replayed"]).toBe("true");
    expect(got.headers["content-type"]).toMatch(/^text\/plain/);
    expect(got.headers["location"]).toBeUndefined(); // That was of the late run's own answer.
  });

  it("is told to ask again while the winner runs", async () => {
    const { world, port, takeOver } = await open(start, body);
    const late = ask(port, "/slow", { key: "k-1" });
    await world.entered.promise;
    await takeOver("slow");
    world.gate.resolve();
    const got = await late;
    const seen = [got.status, problemOf(got), got.headers["retry-after"]];
    expect(seen).toEqual([409, "in-flight", "1"]);
  });

  it("is cut off where its first bytes are out already", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {}); // Hono's server tells of it there.
    const { world, port, takeOver } = await open(start, body);
    const late = ask(port, "/streamed", { key: "k-1" }).catch((error: unknown) => error);
    while (world.runs("streamed") === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    await new Promise((resolve) => setTimeout(resolve, 20)); // The first part has gone out.
    await takeOver("streamed");
    expect(await late).toBeInstanceOf(Error);
  });

  it("does not pass on what the store holds where that is none of ours", async () => {
    const { world, port, takeOver } = await open(start, body);
    const late = ask(port, "/slow", { key: "k-1" });
    await world.entered.promise;
    const forger = await takeOver("slow");
    const headers = [["etag", "x\r\nset-cookie: stolen=1"]];
    await forger.complete({ v: 1, status: 200, headers, text: "forged" });
    world.gate.resolve();
    for (const got of [await late, await ask(port, "/slow", { key: "k-1" })]) {
      expect([got.status, problemOf(got)]).toEqual([503, "store-unavailable"]);
      expect(got.headers["set-cookie"]).toBeUndefined();
    }
  });
});
