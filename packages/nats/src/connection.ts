/**
 * What the adapter needs of a NATS connection: its shape, not its package.
 *
 * Nothing here imports a client. The connection of `nats` 2.x and that of
 * `@nats-io/transport-node` 3.x both have this shape, and the user's own one is used as it is,
 * with its servers, TLS and credentials. JetStream is spoken as JSON on `$JS.API`, so the
 * client's JetStream and KV libraries, and their limits, are not involved.
 */

/** Headers of a message that arrived. */
export interface NatsHeadersLike extends Iterable<[string, string[]]> {
  /** Status of a message from the server itself: 503 no responders, 100 heartbeat, else 0. */
  readonly code: number;
  readonly description: string;
  get(name: string): string;
}

/** A message that arrived. */
export interface NatsMessageLike {
  readonly subject: string;
  readonly reply?: string;
  readonly data: Uint8Array;
  readonly headers?: NatsHeadersLike;
}

/** A live subscription of the client. */
export interface NatsSubscriptionLike {
  unsubscribe(): void;
}

/** What the server told about itself when the connection was made. */
export interface NatsServerInfoLike {
  readonly version: string;
  readonly max_payload: number;
  readonly server_id: string;
  readonly client_id: number;
  readonly headers?: boolean;
  readonly jetstream?: boolean;
  /** Name of the cluster; missing or empty where there is none. */
  readonly cluster?: string;
}

/** A status event; what is in it differs between the clients, so it is read with care. */
export interface NatsStatusLike {
  readonly type: string;
}

/**
 * A connection made by `connect()` of `nats` 2.x or `@nats-io/transport-node` 3.x.
 *
 * Methods, not function properties: parameters are then compared both ways, and the options of
 * either client, which differ in their header types, fit `object`.
 */
export interface NatsConnectionLike {
  readonly info?: NatsServerInfoLike;
  publish(subject: string, payload?: Uint8Array, options?: object): void;
  subscribe(
    subject: string,
    options?: {
      queue?: string;
      callback?: (error: Error | null, message: NatsMessageLike) => void;
    },
  ): NatsSubscriptionLike;
  flush(): Promise<void>;
  status(): AsyncIterable<NatsStatusLike>;
  isClosed(): boolean;
  closed(): Promise<void | Error>;
  /** Drops the link and dials anew. Older 2.x clients do not have it. */
  reconnect?(): Promise<void>;
}
