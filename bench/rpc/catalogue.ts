/** Ways to call, loaded one by one: a process has only what it measures. */
import type { RpcContender, RpcId } from "./contender.ts";

/** All ways, the floor first. */
export const ALL: readonly RpcId[] = [
  "by-hand",
  "quorate-nats",
  "quorate-redis",
  "moleculer",
  "nats-request",
  "grpc",
];

/** One way. */
export async function load(id: RpcId): Promise<RpcContender> {
  switch (id) {
    case "quorate-nats":
      return (await import("./quorate.ts")).onNats;
    case "quorate-redis":
      return (await import("./quorate.ts")).onRedis;
    case "by-hand":
      return (await import("./rivals.ts")).byHand;
    case "nats-request":
      return (await import("./rivals.ts")).natsRequest;
    case "moleculer":
      return (await import("./rivals.ts")).moleculer;
    case "grpc":
      return (await import("./rivals.ts")).grpcJs;
  }
}
