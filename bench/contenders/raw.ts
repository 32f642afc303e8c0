/**
 * The floor: what one writes by hand. `SET NX PX`, a random value, compare-and-delete in Lua, and
 * a poll every 10 ms. No token, no renewal, no queue.
 */
import { randomUUID } from "node:crypto";

import type { Redis } from "ioredis";

import { sleep } from "../harness/clock.ts";
import { connect } from "./connect.ts";
import type { Contender } from "./contender.ts";

const POLL_MS = 10;
const DELETE_IF_OURS =
  'if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) end return 0';

/** `SET key value PX ttl NX` by ioredis. */
export const raw: Contender = {
  id: "raw",
  title: "raw SET NX PX (10 ms poll)",
  async open(url) {
    const redis = connect(url, "raw");
    redis.defineCommand("deleteIfOurs", { numberOfKeys: 1, lua: DELETE_IF_OURS });
    const client = redis as Redis & { deleteIfOurs(key: string, value: string): Promise<number> };
    await client.deleteIfOurs("raw:warm-up", "");
    return {
      async acquire(name, { ttlMs }) {
        const key = `raw:${name}`;
        const value = randomUUID();
        while ((await client.set(key, value, "PX", ttlMs, "NX")) !== "OK") await sleep(POLL_MS);
        return { release: () => client.deleteIfOurs(key, value) };
      },
      close: async () => void (await client.quit()),
    };
  },
};
