/** node-redlock 5 beta: promises and `using`. Polls every 200 ± 100 ms unless told otherwise. */
import Redlock from "redlock";

import { connect } from "./connect.ts";
import type { Contender, Held } from "./contender.ts";

/** redlock 5 with its default poll. */
export const redlock5: Contender = contender("redlock5", "redlock 5.0.0-beta.2", {});

/** redlock 5 told to poll twenty times as often. */
export const redlock5Fast: Contender = contender("redlock5-fast", "redlock 5 β, 10 ± 5 ms poll", {
  retryDelay: 10,
  retryJitter: 5,
});

function contender(
  id: "redlock5" | "redlock5-fast",
  title: string,
  poll: { readonly retryDelay?: number; readonly retryJitter?: number },
): Contender {
  // For acquire alone: with it a release of an expired lock would be tried for ever.
  const patience = { ...poll, retryCount: -1 };
  return {
    id,
    title,
    async open(url) {
      const redis = connect(url, id);
      const redlock = new Redlock([redis]);
      redlock.on("error", () => {});
      const warm = await redlock.acquire([`${id}:warm-up:${process.pid}`], 1_000, patience);
      await warm.release();
      return {
        async acquire(name, { ttlMs }) {
          const lock = await redlock.acquire([`${id}:${name}`], ttlMs, patience);
          return { release: () => lock.release() };
        },
        hold: (name, { ttlMs }) =>
          holdByCallback((work) => redlock.using([`${id}:${name}`], ttlMs, patience, work)),
        close: async () => void (await redis.quit()),
      };
    },
  };
}

/** Turns "runs your callback while it holds" into a hold that is released by hand. */
export function holdByCallback(
  run: (work: () => Promise<void>) => Promise<unknown>,
): Promise<Held> {
  return new Promise((resolve, reject) => {
    const ended = run(
      () =>
        new Promise<void>((finish) => {
          resolve({
            release: () => {
              finish();
              return ended;
            },
          });
        }),
    );
    ended.catch(reject);
  });
}
