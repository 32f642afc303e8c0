/** @node-idempotency, its core between a request and its response, on its Redis adapter. */
import { Idempotency } from "@node-idempotency/core";
import { RedisStorageAdapter } from "@node-idempotency/storage-adapter-redis";

import type { Contender } from "./contender.ts";

/** As its README shows it for a framework of one's own. */
export const nodeIdempotency: Contender = {
  id: "node-idempotency",
  title: "@node-idempotency 1.0.11",
  async open({ url }) {
    const storage = new RedisStorageAdapter({ url, name: "node-idempotency" });
    await storage.connect();
    const idempotency = new Idempotency(storage);
    return {
      async run({ key, payload }, work) {
        const body = payload as Record<string, unknown>;
        const headers = { "idempotency-key": key };
        const request = { headers, path: "/charges", method: "POST", body };
        const known = await idempotency.onRequest(request);
        if (known !== undefined) return known.body;
        const answer = await work(payload);
        await idempotency.onResponse(request, { body: answer });
        return answer;
      },
      close: () => storage.disconnect(),
    };
  },
};
