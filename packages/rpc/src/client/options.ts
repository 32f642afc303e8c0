/**
 * What a client is told when it is made.
 */
import {
  callable,
  invalidArgument,
  knownOptions,
  type Ms,
  positive,
  positiveInteger,
  type Runtime,
} from "@quorate/core";
import { type Balancer, createBalancer, type ServiceView } from "@quorate/discovery";
import { breaker, pipe, type Policy, retry } from "@quorate/resilience";
import {
  type PresenceOptions,
  type PresenceSettings,
  presenceSettings,
} from "../orphans/presence-options.ts";
import {
  type ClientStreamOptions,
  type ClientStreamSettings,
  clientStreamSettings,
} from "../streams/options.ts";
import type { TraceContext } from "../trace.ts";

/** Options of `client`. */
export interface ClientOptions {
  /**
   * Around each call: retries, a breaker, hedges. A call's own deadline is around it.
   * @default a retry (of `tries`, full jitter, a budget) around a breaker
   */
  readonly policy?: Policy;
  /**
   * Attempts of a call at most, the first included, by this and all layers below that are handed
   * the `call`. @default 3; with a policy of your own not counted
   */
  readonly tries?: number;
  /** Time for a call where neither it nor its method says. @default 5000 */
  readonly timeoutMs?: Ms;
  /** Calls under way at most; more are BULKHEAD_FULL. @default 10000 */
  readonly maxInFlight?: number;
  /** The instances to choose among, from a registry. @default none: the bus deals calls out */
  readonly endpoints?: ServiceView;
  /** Who chooses among `endpoints`. @default `createBalancer()`: the quickest of two */
  readonly balancer?: Balancer;
  /** The place in a trace of a call that does not name one. @default none */
  readonly trace?: () => TraceContext | undefined;
  /** Bounds of streams. */
  readonly streams?: ClientStreamOptions;
  /**
   * The lease by which servers learn that this client has died, and stop what it left running;
   * `false`: none is held, and orphans end by their deadlines. @default a lease of 15000 ms
   */
  readonly presence?: PresenceOptions | false;
}

/** The options, checked. */
export interface ClientSettings {
  readonly policy: Policy;
  readonly mayEndAttempts: boolean;
  readonly tries: number | undefined;
  readonly timeoutMs: Ms;
  readonly maxInFlight: number;
  readonly endpoints: ServiceView | undefined;
  readonly balancer: Balancer | undefined;
  readonly trace: (() => TraceContext | undefined) | undefined;
  readonly streams: ClientStreamSettings;
  readonly presence: PresenceSettings | undefined;
}

const NAMES = [
  "policy",
  "tries",
  "timeoutMs",
  "maxInFlight",
  "endpoints",
  "balancer",
  "trace",
  "streams",
  "presence",
] as const;
const DEFAULT_TRIES = 3;
const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_MAX_IN_FLIGHT = 10_000;

/** The checked options of a client of `service`. */
export function clientSettings(
  service: string,
  options: ClientOptions,
  runtime: Runtime,
): ClientSettings {
  knownOptions("client", options, NAMES);
  const { balancer, endpoints, policy, trace } = options;
  if (policy !== undefined) callable("policy.run", policy?.run);
  if (endpoints !== undefined) callable("endpoints.onChange", endpoints?.onChange);
  if (balancer !== undefined) {
    callable("balancer.pick", balancer?.pick);
    if (endpoints === undefined) throw invalidArgument("balancer", balancer, "beside endpoints");
  }
  if (trace !== undefined) callable("trace", trace);
  const attempts = options.tries ?? DEFAULT_TRIES;
  positiveInteger("tries", attempts);
  const isCounted = policy === undefined || options.tries !== undefined;
  return {
    policy: policy ?? defaultPolicy(service, attempts, runtime),
    mayEndAttempts: policy !== undefined,
    tries: isCounted ? attempts - 1 : undefined,
    timeoutMs: positive("timeoutMs", options.timeoutMs ?? DEFAULT_TIMEOUT_MS),
    maxInFlight: positiveInteger("maxInFlight", options.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT),
    endpoints,
    balancer: endpoints && (balancer ?? createBalancer({ name: service, runtime })),
    trace,
    streams: clientStreamSettings(options.streams ?? {}),
    presence: presenceSettings(options.presence ?? {}),
  };
}

/** Deadlines are the call's own; how many are under way is bounded by `maxInFlight`. */
function defaultPolicy(name: string, attempts: number, runtime: Runtime): Policy {
  return pipe(retry({ name, attempts, runtime }), breaker({ name, runtime }));
}
