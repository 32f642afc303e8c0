/**
 * `@quorate/nats`: leases, kv and bus on NATS, over a connection of `nats` 2.x or
 * `@nats-io/transport-node` 3.x.
 */
export { natsBackend } from "./backend.ts";
export type { BusOverflow } from "./bus-subscription.ts";
export type {
  NatsConnectionLike,
  NatsHeadersLike,
  NatsMessageLike,
  NatsServerInfoLike,
  NatsStatusLike,
  NatsSubscriptionLike,
} from "./connection.ts";
export type { LinkEvent } from "./link/link.ts";
export type { NatsBackendOptions } from "./options.ts";
export type { StreamEvent } from "./stream.ts";
