/** redis-semaphore: `Mutex`, which polls every 10 ms and renews at four fifths of the TTL. */
import { Mutex } from "redis-semaphore";

import { connect } from "./connect.ts";
import { type Contender, type LeaseOptions, LONG_WAIT_MS } from "./contender.ts";

/** redis-semaphore's mutex. */
export const redisSemaphore: Contender = {
  id: "redis-semaphore",
  title: "redis-semaphore 5.8.0",
  async open(url) {
    const redis = connect(url, "redis-semaphore");
    const acquire = async (name: string, { ttlMs, renew }: LeaseOptions): Promise<Mutex> => {
      const mutex = new Mutex(redis, name, {
        lockTimeout: ttlMs,
        acquireTimeout: LONG_WAIT_MS,
        ...(renew === false ? { refreshInterval: 0 } : {}),
        // Its default throws out of a timer, which ends the process.
        onLockLost: () => {},
      });
      await mutex.acquire();
      return mutex;
    };
    await (await acquire(`warm-up:${process.pid}`, { ttlMs: 1_000 })).release();
    return { acquire, hold: acquire, close: async () => void (await redis.quit()) };
  },
};
