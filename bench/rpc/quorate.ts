/** `@quorate/rpc` with its defaults: retries, a breaker, admission, deadlines, cancellation. */
import { Redis } from "ioredis";
import { connect } from "nats";

import type { Backend } from "@quorate/core";
import { natsBackend } from "@quorate/nats";
import { redisBackend } from "@quorate/redis";
import { client, contract, serve } from "@quorate/rpc";

import type { RpcContender, Urls } from "./contender.ts";
import { Input, Output, quote } from "./orders.ts";

const Orders = contract("orders", "1.0.0", {
  quote: { input: Input, output: Output, repeat: "safe" },
});

function on(engine: string, crowd: number, open: (urls: Urls) => Promise<Backend>): RpcContender {
  return {
    title: `Quorate on ${engine}`,
    crowd,
    serve: async (urls) => {
      await serve(await open(urls), Orders, { quote });
      return "";
    },
    connect: async (urls) => client(await open(urls), Orders).quote,
  };
}

/** On NATS. */
export const onNats: RpcContender = on("NATS", 40_000, async ({ nats }) =>
  natsBackend(await connect({ servers: nats }), { namespace: "bench" }),
);

/** On Redis. */
export const onRedis: RpcContender = on("Redis", 20_000, async ({ redis }) =>
  redisBackend(new Redis(redis), { namespace: "bench" }),
);
