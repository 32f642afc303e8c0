/** Ours, as the README shows it. */
import { createIdempotency } from "@quorate/idempotency";
import { redisBackend } from "@quorate/redis";
import { Redis } from "ioredis";

import type { Contender } from "./contender.ts";

/** @quorate/idempotency on @quorate/redis. */
export const quorate: Contender = {
  id: "quorate",
  title: "quorate",
  async open({ url, leaseMs }) {
    const redis = new Redis(url, { connectionName: "quorate" });
    redis.on("error", () => {});
    const backend = redisBackend(redis);
    const idempotency = createIdempotency(backend, leaseMs === undefined ? {} : { leaseMs });
    await idempotency.run(`warm-up/${process.pid}`, () => 1);
    return {
      run: ({ key, user, payload }, work) =>
        idempotency.run(key, () => work(payload), { scope: user, fingerprint: payload }),
      async close() {
        await idempotency.close({ graceMs: 0 });
        await backend.close();
        redis.disconnect();
      },
    };
  },
};
