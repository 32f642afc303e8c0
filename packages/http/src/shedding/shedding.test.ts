/**
 * What shedding asks of an admission, and what it never does.
 */
import { deferred } from "@quorate/core";
import { admission } from "@quorate/resilience";
import { describe, expect, it } from "vitest";

import { deadlineFetchHandler, type HttpSheddingOptions, sheddingFetchHandler } from "../index.ts";
import { checkSheddingOptions } from "./options.ts";

/** A handler whose requests wait for `free`. */
function shed(options: Partial<HttpSheddingOptions<Request>> = {}, limit = 1, queue = 0) {
  const gate = admission({ limit, queue });
  const free = deferred<void>();
  let runs = 0;
  const handler = async (): Promise<Response> => {
    runs += 1;
    await free.promise;
    return new Response();
  };
  const ask = sheddingFetchHandler(handler, { admission: gate, ...options });
  const request = (headers: Record<string, string> = {}, path = "/"): Promise<Response> =>
    ask(new Request(`https://api.example${path}`, { headers }));
  return { ask, free, gate, handler, request, runs: () => runs };
}

/** The promises that have been made so far get as far as they can. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("shedding", () => {
  it("lets a header step back, and never push ahead", async () => {
    const { free, gate, request } = shed({ priority: "x-priority" }, 4, 4);
    const held = [request(), request()]; // Half the places: pressure 0.25.
    await settle();
    expect((await request({ "x-priority": "-2" })).status).toBe(503);
    expect(gate.stats.shed.priority).toBe(1);
    for (const value of ["5", "-1e9", "-Infinity", "x", "-", "--2", "-99999999", "NaN"]) {
      held.push(request({ "x-priority": value }));
      free.resolve();
      expect((await held.at(-1))?.status).toBe(200);
    }
    await Promise.all(held);
  });

  it("takes an error of its options for one: nothing runs, nothing is held", async () => {
    const failing = (): number => {
      throw new Error("from priority");
    };
    const { gate, request, runs } = shed({ priority: failing });
    await expect(request()).rejects.toThrow("from priority");
    const route = shed({ route: () => "" });
    await expect(route.request()).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect([gate.stats.running, runs(), route.runs()]).toEqual([0, 0, 0]);
  });

  it("drops from the line what has no time left, with 504", async () => {
    const { ask, free, gate } = shed({}, 1, 5);
    const handler = deadlineFetchHandler((request) => ask(request));
    const bounded = (ms: number): Promise<Response> =>
      handler(new Request("https://x.example/", { headers: { "request-timeout-ms": `${ms}` } }));
    const held = bounded(5_000);
    await settle();
    const late = await bounded(20);
    expect(late.status).toBeGreaterThanOrEqual(503); // Late in the line, or over in it.
    expect(await late.json()).toMatchObject({ effect: "none" });
    free.resolve();
    expect((await held).status).toBe(200);
    expect(gate.stats.running).toBe(0);
  });

  it("lets a client that leaves the line go, and keeps no place for it", async () => {
    const { ask, free, gate, request, runs } = shed({}, 1, 5);
    const held = request();
    await settle();
    const leaving = new AbortController();
    const waiting = ask(new Request("https://x.example/", { signal: leaving.signal }));
    await settle();
    expect(gate.stats.queued).toBe(1);
    leaving.abort();
    expect((await waiting).status).toBe(503);
    expect(gate.stats.queued).toBe(0);
    free.resolve();
    await held;
    expect(runs()).toBe(1);
  });

  it("gives a place back when a handler throws", async () => {
    const gate = admission({ limit: 1, queue: 0 });
    const broken = sheddingFetchHandler(
      () => {
        throw undefined;
      },
      { admission: gate },
    );
    await expect(broken(new Request("https://x.example/"))).rejects.toBeUndefined();
    expect(gate.stats.running).toBe(0);
  });

  it("exempts what it is told to, and only GET and HEAD of a path", async () => {
    const { free, gate, request } = shed({ exempt: ["/up"] });
    const up = request({}, "/up?verbose");
    await settle();
    expect(gate.stats.running).toBe(0);
    const held = request();
    await settle();
    expect((await request({}, "/healthz")).status).toBe(503);
    free.resolve();
    await Promise.all([up, held]);
  });

  it("remembers no more kinds of work than it may", async () => {
    const { free, request } = shed({ route: ({ url }) => url });
    free.resolve();
    for (let run = 0; run < 1_002; run++) await request({}, `/${run}`);
    expect((await request({}, "/one-more")).status).toBe(200);
  });

  it("refuses options that are none", () => {
    const gate = admission();
    for (const options of [
      { admission: undefined },
      { admission: gate, priority: "a b" },
      { admission: gate, exempt: [""] },
      { admission: gate, lingerMs: 0 },
      { admission: gate, exempted: [] },
    ]) {
      const check = () => checkSheddingOptions(options as never);
      expect(check).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    }
  });
});
