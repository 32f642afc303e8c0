/**
 * What one writes by hand: `SET NX PX` at every poll while another leads, a renewal in Lua at a
 * third of the TTL while we do. The poll's period is the time that a hand-over takes at worst, and
 * the price of an idle candidate.
 */
import { randomUUID } from "node:crypto";

import type { Redis } from "ioredis";

import { connectAs } from "./client.ts";
import type { ElectionContender } from "./contender.ts";

const RENEW =
  'if redis.call("get", KEYS[1]) == ARGV[1] then ' +
  'return redis.call("pexpire", KEYS[1], ARGV[2]) end return 0';
const DELETE =
  'if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) end return 0';

interface Scripts {
  renewIfOurs(key: string, value: string, ttlMs: number): Promise<number>;
  deleteIfOurs(key: string, value: string): Promise<number>;
}

/** The lock, polled every `pollMs`. */
export function polling(id: "polling-1000" | "polling-100", pollMs: number): ElectionContender {
  return {
    id,
    title: `SET NX PX, polled every ${pollMs} ms`,
    engine: "redis",
    async join({ url, name, ttlMs, onElected }) {
      const { redis, failNextCommand } = connectAs(id, url);
      redis.defineCommand("renewIfOurs", { numberOfKeys: 1, lua: RENEW });
      redis.defineCommand("deleteIfOurs", { numberOfKeys: 1, lua: DELETE });
      const client = redis as Redis & Scripts;
      const key = `${id}:${name}`;
      const value = randomUUID();
      let timer: NodeJS.Timeout | undefined;
      let leads = false;
      const turn = async (): Promise<void> => {
        if (leads) leads = (await client.renewIfOurs(key, value, ttlMs)) === 1;
        else if ((await client.set(key, value, "PX", ttlMs, "NX")) === "OK") {
          leads = true;
          onElected();
        }
      };
      const loop = (): void => {
        // An error is tried again at the next turn, as careful people do.
        const next = (): void => void (timer = setTimeout(loop, leads ? ttlMs / 3 : pollMs));
        void turn().then(next, next);
      };
      await client.deleteIfOurs(`${key}:warm-up`, "");
      loop();
      return {
        leads: () => leads,
        async resign() {
          clearTimeout(timer);
          leads = false;
          await client.deleteIfOurs(key, value);
        },
        stand: loop,
        failNextCommand,
      };
    },
  };
}
