/**
 * redlock-universal: `createLock`, an object per key. The default one asks the server for a PING
 * when it is new; `performance: "lean"` does not. Both poll every 100 ms.
 */
import { createLock, IoredisAdapter } from "redlock-universal";

import { connect } from "./connect.ts";
import type { Contender } from "./contender.ts";
import { holdByCallback } from "./redlock5.ts";

/** redlock-universal as its quick start shows it. */
export const universal: Contender = contender("universal", "redlock-universal 0.8.5", "standard");

/** redlock-universal without monitoring. */
export const universalLean: Contender = contender(
  "universal-lean",
  "redlock-universal 0.8.5 lean",
  "lean",
);

function contender(
  id: "universal" | "universal-lean",
  title: string,
  performance: "standard" | "lean",
): Contender {
  return {
    id,
    title,
    async open(url) {
      const redis = connect(url, id);
      const adapter = new IoredisAdapter(redis);
      // A new object per acquire: the key of an order is a new key each time.
      const lockOf = (name: string, ttlMs: number) =>
        createLock({
          adapter,
          key: `${id}:${name}`,
          ttl: ttlMs,
          performance,
          retryAttempts: 1_000_000,
        });
      const warm = lockOf(`warm-up:${process.pid}`, 1_000);
      await warm.release(await warm.acquire());
      return {
        async acquire(name, { ttlMs }) {
          const lock = lockOf(name, ttlMs);
          const handle = await lock.acquire();
          return { release: () => lock.release(handle) };
        },
        hold: (name, { ttlMs }) => holdByCallback((work) => lockOf(name, ttlMs).using(work)),
        close: async () => void (await redis.quit()),
      };
    },
  };
}
