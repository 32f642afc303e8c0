/**
 * Connections of the two clients, made alike.
 */
import { connect as connectV3 } from "@nats-io/transport-node";
import { connect as connectV2 } from "nats";

import { systemRuntime } from "@quorate/core";
import type { NatsConnectionLike } from "@quorate/nats";

export type NatsClient = "nats" | "@nats-io/transport-node";

/** A connection that the test owns. */
export interface OwnConnection extends NatsConnectionLike {
  close(): Promise<void>;
}

/** What a test may want to be different. */
export interface ConnectOptions {
  readonly user?: string;
  readonly pass?: string;
  /** Stay with the address given: a node's peers, whom it names, would be ways round a proxy. */
  readonly ignoreClusterUpdates?: boolean;
}

/** Connects with the client named, patient for ever and quick to return. */
export async function connectTo(
  client: NatsClient,
  servers: string | string[],
  more: ConnectOptions = {},
): Promise<OwnConnection> {
  const options = {
    servers,
    ...more,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    pingInterval: 5_000,
    timeout: 2_000,
  };
  return client === "nats" ? connectV2(options) : connectV3(options);
}

/** A random namespace. */
export function freshNamespace(): string {
  return `t${systemRuntime.ids.operation()}`;
}

/** One answer of the JetStream API, as the server gave it. */
export async function askApi(
  connection: OwnConnection,
  subject: string,
  body: object = {},
  timeoutMs = 5_000,
): Promise<Record<string, unknown>> {
  const asker = connection as unknown as {
    request(
      subject: string,
      data: Uint8Array,
      options: { timeout: number },
    ): Promise<{ data: Uint8Array }>;
  };
  const data = Buffer.from(JSON.stringify(body));
  const answer = await asker.request(`$JS.API.${subject}`, data, { timeout: timeoutMs });
  return JSON.parse(Buffer.from(answer.data).toString()) as Record<string, unknown>;
}
