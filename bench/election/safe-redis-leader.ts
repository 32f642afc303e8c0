/** safe-redis-leader, as its README shows it; `wait` as short as its own renewals. */
import { createSafeRedisLeader } from "safe-redis-leader";

import { connectAs } from "./client.ts";
import type { ElectionContender } from "./contender.ts";

const WAIT_MS = 1_000;

/** safe-redis-leader 0.0.6. */
export const safeRedisLeader: ElectionContender = {
  id: "safe-redis-leader",
  title: "safe-redis-leader 0.0.6",
  engine: "redis",
  async join({ url, name, ttlMs, onElected }) {
    const { redis: asyncRedis, failNextCommand } = connectAs("safe-redis-leader", url);
    const options = { asyncRedis, ttl: ttlMs, wait: WAIT_MS, key: name };
    const candidate = await createSafeRedisLeader(options);
    let leads = false;
    candidate.on("elected", () => {
      leads = true;
      onElected();
    });
    candidate.on("demoted", () => void (leads = false));
    candidate.on("error", () => {});
    await candidate.elect();
    return {
      leads: () => leads,
      resign: () => candidate.stop(),
      stand: () => void candidate.elect(),
      failNextCommand,
    };
  },
};
