/** Ours, as the README shows it: `createLocks(redisBackend(new Redis(url)))`. */
import { createLocks } from "@quorate/lock";
import { redisBackend } from "@quorate/redis";

import { connect } from "./connect.ts";
import { type Contender, LONG_WAIT_MS } from "./contender.ts";

/** @quorate/lock on @quorate/redis. */
export const quorate: Contender = {
  id: "quorate",
  title: "quorate",
  async open(url) {
    const redis = connect(url, "quorate");
    const backend = redisBackend(redis);
    const locks = createLocks(backend);
    await (await locks.acquire(`warm-up/${process.pid}`)).release();
    const session = {
      acquire: (name: string, { ttlMs, renew = true }: { ttlMs: number; renew?: boolean }) =>
        locks.acquire(name, { ttlMs, renew, waitMs: LONG_WAIT_MS }),
    };
    return {
      ...session,
      hold: session.acquire,
      async close() {
        await backend.close();
        await redis.quit();
      },
    };
  },
};
