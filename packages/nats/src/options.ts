/**
 * Options of the NATS backend, checked before anything is sent.
 */
import {
  checkName,
  DEFAULT_REQUEST_TIMEOUT_MS,
  invalidArgument,
  knownOptions,
  positive,
  systemRuntime,
} from "@quorate/core";
import type { BackendOptions, Ms, Runtime } from "@quorate/core";
import type { NatsConnectionLike } from "./connection.ts";
import type { StreamChoice } from "./stream-config.ts";

/** Options of `natsBackend`. */
export interface NatsBackendOptions extends BackendOptions {
  /**
   * Copies of the namespace's stream. 3 survives the loss of one node; needs nats-server 2.9.21 or
   * newer, and not 2.10.20 to 2.10.22. An existing stream of another number is refused.
   * @default 1 for a new stream; whatever an existing one has
   */
  readonly replicas?: 1 | 3 | 5;
  /** Memory is lost when the server restarts. @default "file" for a new stream */
  readonly storage?: "file" | "memory";
  /** Name of the stream. @default "QUORATE_" and the namespace */
  readonly streamName?: string;
  /** Prefix of the JetStream API, where the account imports it under another. @default "$JS.API" */
  readonly apiPrefix?: string;
}

/** Options with their defaults. */
export interface CheckedOptions {
  readonly namespace: string;
  readonly runtime: Runtime;
  readonly requestTimeoutMs: Ms;
  readonly choice: StreamChoice;
  readonly streamName: string | undefined;
  readonly apiPrefix: string;
}

const KNOWN = [
  "namespace",
  "runtime",
  "requestTimeoutMs",
  "replicas",
  "storage",
  "streamName",
  "apiPrefix",
] as const;
const STREAM_NAME = /^[0-9A-Za-z_=:-]{1,200}$/;
const API_PREFIX = /^[0-9A-Za-z_$-]+(?:\.[0-9A-Za-z_$-]+)*$/;
const LONGEST_NAMESPACE = 64;

/** Options with their defaults, or `INVALID_ARGUMENT` naming the bad one. */
export function checkOptions(options: NatsBackendOptions): CheckedOptions {
  knownOptions("options", options, KNOWN);
  const { apiPrefix = "$JS.API", replicas, storage, streamName } = options;
  if (replicas !== undefined && ![1, 3, 5].includes(replicas)) {
    throw invalidArgument("replicas", replicas, "1, 3 or 5");
  }
  if (storage !== undefined && !["file", "memory"].includes(storage)) {
    throw invalidArgument("storage", storage, '"file" or "memory"');
  }
  if (streamName !== undefined && !STREAM_NAME.test(streamName)) {
    throw invalidArgument("streamName", streamName, "1 to 200 characters of [0-9A-Za-z_=:-]");
  }
  if (!API_PREFIX.test(apiPrefix)) {
    throw invalidArgument("apiPrefix", apiPrefix, 'a subject like "$JS.API"');
  }
  const timeoutMs = options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
  return {
    namespace: checkNamespace(options.namespace ?? "quorate"),
    runtime: options.runtime ?? systemRuntime,
    requestTimeoutMs: positive("requestTimeoutMs", timeoutMs),
    choice: { replicas, storage },
    streamName,
    apiPrefix,
  };
}

/** `connection`, or `INVALID_ARGUMENT` where it lacks what both clients have. */
export function checkConnection(connection: NatsConnectionLike): NatsConnectionLike {
  const methods = ["publish", "subscribe", "flush", "status", "isClosed", "closed"] as const;
  const isOne =
    typeof connection === "object" &&
    connection !== null &&
    methods.every((method) => typeof connection[method] === "function");
  if (isOne) return connection;
  throw invalidArgument(
    "connection",
    connection,
    "a connection made by connect() of nats 2.x or @nats-io/transport-node 3.x",
  );
}

function checkNamespace(namespace: string): string {
  checkName("namespace", namespace);
  if (Buffer.byteLength(namespace) > LONGEST_NAMESPACE) {
    throw invalidArgument("namespace", namespace, `at most ${LONGEST_NAMESPACE} bytes`);
  }
  // `_INBOX` and `_R_` are where clients and servers keep their own subjects.
  if (namespace.startsWith("_")) {
    throw invalidArgument("namespace", namespace, "a name that does not begin with '_'");
  }
  return namespace;
}
