/**
 * The embedded store, lent to child processes: what travels over their channels.
 *
 * A demo needs no server and yet real processes, for only those can be killed. So the parent owns
 * the store in memory, and its children ask it over the channel that Node gives a child. Key-value
 * pairs and messages are enough: the leases are `leasesOverKv` in every process, as on NATS.
 *
 * For demos alone: it trusts its children, and knows no deadline of its own, since a child whose
 * parent is gone ends.
 */
import {
  type Backend,
  type Capabilities,
  type Effect,
  type ErrorCode,
  type ErrorDetails,
  isQuorateError,
  type KvStore,
  leasesOverKv,
  Lifecycle,
  type MessageBus,
  QuorateError,
  type Runtime,
} from "@quorate/core";

const LEASES = "leases/";

/** A call of the store, or a reader or subscription that is opened. */
export interface StoreAsk {
  readonly kind: "store-ask";
  readonly call: number;
  readonly what:
    | "get"
    | "put"
    | "delete"
    | "list"
    | "publish"
    | "request"
    | "watch"
    | "subscribe"
    | "respond";
  readonly args: readonly unknown[];
}

/** What a child says to its parent about the store. */
export type ToStore = StoreAsk | { readonly kind: "store-stop"; readonly call: number };

/** What the parent says of it. */
export type FromStore =
  | { readonly kind: "store-answer"; readonly call: number; readonly value: unknown }
  | { readonly kind: "store-item"; readonly call: number; readonly value: unknown }
  | { readonly kind: "store-failed"; readonly call: number; readonly error: SentError };

/** An error as it travels. */
export interface SentError {
  readonly code: ErrorCode | undefined;
  readonly effect: Effect;
  readonly message: string;
  readonly details: unknown;
}

/** As it travels. */
export function sentError(error: unknown): SentError {
  if (!isQuorateError(error)) {
    return { code: undefined, effect: "unknown", message: String(error), details: undefined };
  }
  const { code, effect, details } = error;
  const message = error.message.replace(`${code}: `, "");
  return { code, effect, message, details };
}

/** As it was. */
export function receivedError({ code, effect, message, details }: SentError): Error {
  if (code === undefined) return new Error(message);
  return new QuorateError(code, message, { effect, details: details as ErrorDetails[ErrorCode] });
}

/** A backend of what a process has of the store. */
export function backendOver(
  parts: { readonly kv: KvStore; readonly bus: MessageBus; readonly runtime: Runtime },
  capabilities: Capabilities,
): Backend {
  const { kv, bus, runtime } = parts;
  const lifecycle = new Lifecycle("the lent store", runtime);
  const leases = leasesOverKv(kv, { runtime, prefix: LEASES, lifecycle });
  const close = (): Promise<void> => lifecycle.close(0, () => {});
  return {
    name: "memory",
    ...{ kv, bus, leases, runtime, close },
    capabilities: { ...capabilities, expiry: "observer" },
    ready: async () => {},
    health: async () => ({ ok: true, server: "memory, lent by the parent process", warnings: [] }),
    [Symbol.asyncDispose]: close,
  };
}
