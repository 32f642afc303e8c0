/** node-redlock 4.2.0: what `npm install redlock` gives. Polls every 200 to 300 ms. */
import Redlock from "redlock4";

import { connect } from "./connect.ts";
import type { Contender } from "./contender.ts";

/** redlock 4 on one Redis. It renews nothing. */
export const redlock4: Contender = {
  id: "redlock4",
  title: "redlock 4.2.0",
  async open(url) {
    const redis = connect(url, "redlock4");
    const redlock = new Redlock([redis], { retryCount: -1 });
    redlock.on("error", () => {});
    const warm = await redlock.acquire(`redlock4:warm-up:${process.pid}`, 1_000);
    await warm.unlock();
    return {
      async acquire(name, { ttlMs }) {
        const lock = await redlock.acquire(`redlock4:${name}`, ttlMs);
        return { release: () => lock.unlock() };
      },
      close: async () => void (await redis.quit()),
    };
  },
};
