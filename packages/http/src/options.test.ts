import { describe, expect, it } from "vitest";

import { createIdempotency } from "@quorate/idempotency";
import { memoryBackend } from "@quorate/memory";
import { expressIdempotency } from "./express.ts";
import { fastifyIdempotency } from "./fastify.ts";
import { type FetchIdempotencyOptions, idempotentFetchHandler } from "./fetch/fetch-handler.ts";
import { honoIdempotency } from "./hono.ts";

const idempotency = createIdempotency(memoryBackend());
const good: FetchIdempotencyOptions<object> = { idempotency, scope: () => "acme" };
const make = (options: object): unknown =>
  idempotentFetchHandler(() => new Response(), options as FetchIdempotencyOptions);

describe("options", () => {
  it("are good with a store and a scope, and not without either", () => {
    expect(() => make(good)).not.toThrow();
    expect(() => make({ idempotency })).toThrow(/scope must be a function .* no default/);
    expect(() => make({ scope: () => "a" })).toThrow(/idempotency must be/);
    const adapters: readonly ((options: never) => unknown)[] = [
      expressIdempotency,
      fastifyIdempotency,
      honoIdempotency,
    ];
    for (const adapter of adapters) {
      expect(() => adapter({ idempotency } as never)).toThrow(/scope/);
      expect(() => adapter(good as never)).not.toThrow();
    }
  });

  it.each([
    { methods: [] },
    { methods: ["post"] },
    { methods: "POST" },
    { required: "yes" },
    { strict: 1 },
    { route: "orders" },
    { fingerprint: true },
    { store: [200] },
    { maxBodyBytes: 0 },
    { maxRequestBytes: -1 },
    { unkept: "forget" },
    { replayHeaders: ["set-cookie"] },
    { replayHeaders: "x-a" },
    { mismatchStatus: 400 },
    { waitMs: -1 },
    { ttlMs: 0 },
    { leaseMs: 1 },
    { maxRunMs: 0 },
    { storeWaitMs: 0 },
    { cutOffMs: 0 },
    { failOpen: "no" },
    { problemBase: "" },
    { scopes: () => "a" },
  ])("are refused by name: %j", (wrong) => {
    const [name] = Object.keys(wrong);
    expect(() => make({ ...good, ...wrong })).toThrow(new RegExp(`${name}`));
    expect(() => make({ ...good, ...wrong })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });

  it.each(["", 7, undefined, "x".repeat(2_000)])("do not let a scope be %j", async (scope) => {
    const handler = idempotentFetchHandler(() => new Response(), {
      ...good,
      scope: () => scope as string,
    });
    const headers = { "idempotency-key": "k" };
    const asked = handler(new Request("http://x/", { method: "POST", headers }));
    await expect(asked).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("name a route, which a key then belongs to, and what counts of a body", async () => {
    let runs = 0;
    const handler = idempotentFetchHandler(() => new Response(String(++runs)), {
      ...good,
      route: () => "orders",
      fingerprint: async (request) => ({ order: request.headers.get("x-order") }),
    });
    const post = async (path: string, order: string, body: string) => {
      const headers = { "idempotency-key": "by-route", "x-order": order };
      const request = new Request(`http://x${path}`, { method: "POST", headers, body });
      const response = await handler(request);
      return `${response.status} ${response.headers.get("idempotent-replayed") ?? "first"}`;
    };
    expect(await post("/a", "7", "one")).toBe("200 first");
    expect(await post("/a", "7", "two")).toBe("200 true");
    expect(await post("/a", "8", "one")).toBe("422 first");
    expect(await post("/b", "7", "one")).toBe("422 first");
    expect(runs).toBe(1);
  });

  it("bound what is read of a request", async () => {
    const handler = idempotentFetchHandler(() => new Response(), { ...good, maxRequestBytes: 10 });
    const post = (body: string | ReadableStream, key: string): Promise<Response> => {
      const headers = { "idempotency-key": key };
      const duplex = { duplex: "half" } as const;
      return handler(new Request("http://x/", { method: "POST", headers, body, ...duplex }));
    };
    expect((await post("0123456789", "fits")).status).toBe(200);
    const streamed = ReadableStream.from([Buffer.from("012345"), Buffer.from("6789a")]);
    let pulled = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        if (++pulled > 1_000) controller.error(new Error("read without an end"));
        else controller.enqueue(Buffer.from("more"));
      },
    });
    for (const body of ["0123456789a", streamed, endless]) {
      const response = await post(body, "too-long");
      expect(response.status).toBe(413);
      expect(await response.json()).toMatchObject({
        type: "urn:quorate:idempotency:request-too-large",
      });
    }
  });
});
