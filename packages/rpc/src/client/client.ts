/**
 * A client: the methods of a contract, as functions that call a service.
 *
 * The methods stand on the client itself, because that is what calls read like; so a contract
 * cannot have a method with a name that the client needs (`close`, `stats`, `on`) or that would
 * make it something else (`then`: a client that is awaited must stay a client).
 *
 * Guarantees: every call settles by its deadline, with an output that is what the contract says,
 * or with an error that says whether it happened.
 * Does not guarantee that a call which timed out did not run, or will not: only `safe` and `keyed`
 * methods are repeated then.
 */
import { nonNegative, QuorateError } from "@quorate/core";
import type { Backend, CloseOptions, InputSchema } from "@quorate/core";
import type { Contract, InputOf, MethodName, Methods, OutputOf } from "../contract-types.ts";
import { methodsOf } from "../contract.ts";
import type { CallOptions, KeyedCallOptions, StreamCallOptions } from "./call-options.ts";
import { Caller } from "./caller.ts";
import { Connection } from "./connection.ts";
import { presenceFor } from "../orphans/presence.ts";
import { StreamCaller } from "../streams/stream-caller.ts";
import { clientCounts } from "./counts.ts";
import { clientChannels } from "./events.ts";
import { type ClientOptions, clientSettings } from "./options.ts";
import { BalancedRoutes, queueRoutes, type Routes } from "./routes.ts";

/** Figures of a client. */
export interface ClientStats {
  /** Requests under way now, those given up and not yet over included. */
  readonly inFlight: number;
  /** Calls made. */
  readonly calls: number;
  /** Requests sent, retries included. */
  readonly attempts: number;
  /** Calls that ended with an output. */
  readonly answered: number;
  /** Calls that ended with an error. */
  readonly failed: number;
  /** Answers that came when nobody waited any more. */
  readonly late: number;
  /** Answers that were none of ours. */
  readonly unreadable: number;
  /** Streams open now. */
  readonly streams: number;
  /** Frames that no open stream waited for: late, repeated, foreign, or none at all. */
  readonly strayFrames: number;
}

/** The client's own words. */
export interface ClientVerbs extends AsyncDisposable {
  /** Its figures now. */
  readonly stats: ClientStats;
  /**
   * Refuses new calls, lets those under way end for `graceMs`, then ends them as ABORTED (effect
   * `unknown`). Twice is fine. The backend stays open.
   * @default graceMs 1000
   */
  close(options?: CloseOptions): Promise<void>;
}

/** Calls one method. */
export type ClientMethod<S> = S extends { readonly items: InputSchema }
  ? (...args: StreamArguments<S>) => Items<OutputOf<S>>
  : (...args: Arguments<S>) => Promise<OutputOf<S>>;

type StreamArguments<S> =
  undefined extends InputOf<S>
    ? [input?: InputOf<S>, options?: StreamCallOptions]
    : [input: InputOf<S>, options?: StreamCallOptions];

/**
 * The items of a stream, once. Nothing is sent before the first `next()`; `break`, `return()`, the
 * signal and the end of an `await using` end it on both sides.
 */
export type Items<T> = AsyncIterableIterator<T, undefined> & AsyncDisposable;

type Arguments<S> = S extends { readonly repeat: "keyed" }
  ? [input: InputOf<S>, options: KeyedCallOptions]
  : undefined extends InputOf<S>
    ? [input?: InputOf<S>, options?: CallOptions]
    : [input: InputOf<S>, options?: CallOptions];

/** A client of the contract's service. */
export type Client<C extends Contract> = {
  readonly [K in MethodName<C>]: ClientMethod<C["methods"][K]>;
} & ClientVerbs;

const DEFAULT_GRACE_MS = 1_000;

/**
 * A client of the contract's service. Nothing is sent until the first call.
 *
 * A call throws (rejects with), by code and effect:
 *
 * - `none`: INVALID_ARGUMENT, TOO_LARGE (nothing was sent); NO_RESPONDERS; OVERLOADED, TIMEOUT
 *   (dropped before it ran); CONTRACT_MISMATCH; REFUSED (an error of the contract, by
 *   `details.reason`); IDEMPOTENCY_MISMATCH, IDEMPOTENCY_IN_FLIGHT; BREAKER_OPEN, BULKHEAD_FULL.
 * - `unknown`: TIMEOUT, OUTCOME_UNKNOWN (its instance died), ABORTED, IDEMPOTENCY_SUPERSEDED.
 * - as told: REMOTE_FAILED. `applied`: CONTRACT_MISMATCH, TOO_LARGE of an output.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be.
 * @example
 * import { memoryBackend } from "@quorate/memory";
 * import { client, contract } from "@quorate/rpc";
 * import { z } from "zod";
 * const Greeter = contract("greeter", "1.0.0", {
 *   greet: { input: z.string(), output: z.string(), repeat: "safe" },
 * });
 * await using backend = memoryBackend();
 * await using greeter = client(backend, Greeter, { tries: 1 });
 * const nobody = await greeter.greet("Ada").catch((error) => error.code);
 * console.log(nobody); // => NO_RESPONDERS
 */
export function client<M extends Methods>(
  backend: Backend,
  contract: Contract<M>,
  options: ClientOptions = {},
): Client<Contract<M>> {
  const methods = methodsOf(contract);
  const settings = clientSettings(contract.name, options, backend.runtime);
  const counts = clientCounts();
  const { maxInFlight } = settings;
  const connection = new Connection({ backend, contract, counts, maxInFlight });
  connection.identity = presenceFor(backend, contract.name, connection.id, settings.presence);
  const routes = routesOf(connection, settings);
  const channels = clientChannels(backend.runtime.events);
  const caller = new Caller({ ...settings, connection, routes, channels });
  const { streams: streamSettings, timeoutMs } = settings;
  const streams = new StreamCaller({ connection, caller, timeoutMs, settings: streamSettings });
  connection.onGone = (isGone) => streams.endInstance(isGone);
  const close = (how: CloseOptions = {}): Promise<void> => {
    const graceMs = nonNegative("graceMs", how.graceMs ?? DEFAULT_GRACE_MS);
    streams.endAll();
    return connection.lifecycle.close(graceMs, async () => {
      connection.endAll(closed(contract.name));
      routes.close();
      await streams.close();
      await Promise.all([connection.identity?.close(), connection.close()]);
    });
  };
  const made: Record<PropertyKey, unknown> = Object.create(null) as Record<PropertyKey, unknown>;
  for (const [name, method] of methods) {
    made[name] =
      method.kind === "stream"
        ? (input: unknown, how?: StreamCallOptions) => streams.call(method, input, how)
        : (input: unknown, how?: CallOptions) => caller.call(method, input, how);
  }
  made["close"] = close;
  made[Symbol.asyncDispose] = () => close();
  Object.defineProperty(made, "stats", {
    get: (): ClientStats => ({
      inFlight: connection.inFlight,
      ...counts,
      streams: streams.size,
      strayFrames: streams.strayFrames,
    }),
  });
  return Object.freeze(made) as Client<Contract<M>>;
}

function routesOf(
  connection: Connection,
  { balancer, endpoints }: ReturnType<typeof clientSettings>,
): Routes {
  const { contract } = connection;
  if (endpoints === undefined || balancer === undefined) return queueRoutes(contract);
  return new BalancedRoutes(contract, endpoints, balancer, (isGone) =>
    connection.endInstance(isGone, () => died(contract.name)),
  );
}

function died(service: string): QuorateError<"OUTCOME_UNKNOWN"> {
  const message = `the instance of ${service} that had the call is gone; it may have run`;
  const details = { operation: `rpc ${service}` };
  return new QuorateError("OUTCOME_UNKNOWN", message, { effect: "unknown", details });
}

function closed(service: string): QuorateError<"ABORTED"> {
  const details = { operation: `rpc ${service}` };
  const message = `the client of ${service} was closed; the call may have run`;
  return new QuorateError("ABORTED", message, { effect: "unknown", details });
}
