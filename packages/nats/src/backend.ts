/**
 * The NATS backend: kv and leases on a JetStream stream, bus on core NATS, over the user's own
 * connection.
 *
 * Wiring only. The connection stays the user's: it is never closed here, and its options are
 * not touched.
 */
import { checkCall, leasesOverKv, Lifecycle, nonNegative } from "@quorate/core";
import type {
  Backend,
  Capabilities,
  CloseOptions,
  Entry,
  Health,
  KvStore,
  LeaseStore,
  MessageBus,
  Ms,
  RequestBounds,
  Runtime,
} from "@quorate/core";
import { Budget } from "./budget.ts";
import { NatsBus } from "./bus.ts";
import type { NatsConnectionLike } from "./connection.ts";
import { WHAT } from "./failures.ts";
import { askHealth } from "./health.ts";
import { JetStreamApi } from "./jetstream/api.ts";
import type { KvContext } from "./kv/context.ts";
import { Heads } from "./kv/heads.ts";
import { StreamKv } from "./kv/store.ts";
import { Sweeper } from "./kv/sweeper.ts";
import { Exchange } from "./link/exchange.ts";
import { Link } from "./link/link.ts";
import { longestValue, Messages } from "./messages.ts";
import { type CheckedOptions, checkConnection, checkOptions } from "./options.ts";
import type { NatsBackendOptions } from "./options.ts";
import { ServerClock } from "./server-clock.ts";
import { Stream } from "./stream.ts";
import { type Space, Subjects } from "./subjects.ts";

/** The waist's own bound; a server may take less. */
const MOST_VALUE_BYTES = 512 * 1024;
const MIN_TTL_MS = 10;
const DEFAULT_GRACE_MS = 1_000;
/** How long waits that were cut short may take to leave their lines, whatever the grace. */
const LEAVE_MS = 200;
/** How far stamps of one server, or of several leaders in turn, may be wrong. */
const SKEW_MS = { one: 100, several: 1_000 } as const;
/** What judging and telling take on top. */
const JUDGING_MS = 150;

/**
 * A backend over a NATS connection with JetStream.
 *
 * @example
 * import { connect } from "nats";
 * import { natsBackend } from "@quorate/nats";
 * const connection = await connect({ maxReconnectAttempts: -1, pingInterval: 5_000 });
 * const backend = natsBackend(connection, { namespace: "orders", replicas: 3 });
 * await backend.ready();
 *
 * @throws INVALID_ARGUMENT an option, or the connection, is not what it must be.
 */
export function natsBackend(
  connection: NatsConnectionLike,
  options: NatsBackendOptions = {},
): Backend {
  return new NatsBackend(checkConnection(connection), checkOptions(options));
}

class NatsBackend implements Backend {
  readonly name = "nats";
  readonly runtime: Runtime;
  readonly kv: KvStore;
  readonly leases: LeaseStore;
  readonly bus: MessageBus;
  readonly #options: CheckedOptions;
  readonly #lifecycle: Lifecycle;
  /** Of the kv below the leases: they leave their lines when the backend has stopped already. */
  readonly #inner: Lifecycle;
  readonly #link: Link;
  readonly #exchange: Exchange;
  readonly #stream: Stream;
  readonly #sweeper: Sweeper;

  constructor(connection: NatsConnectionLike, options: CheckedOptions) {
    const { apiPrefix, choice, namespace, requestTimeoutMs, runtime, streamName } = options;
    const subjects = new Subjects(namespace, streamName);
    const lifecycle = new Lifecycle(WHAT, runtime);
    const link = new Link(connection, runtime);
    const exchange = new Exchange(link, runtime, (id) => subjects.inbox(id));
    const api = new JetStreamApi(exchange, link, apiPrefix);
    const clock = new ServerClock(runtime);
    const common = { api, link, subjects, clock, runtime };
    const stream = new Stream({ ...common, choice, requestTimeoutMs });
    const messages = new Messages({ ...common, exchange, stream });
    const sweeper = new Sweeper(messages, runtime);
    this.runtime = runtime;
    this.#options = options;
    this.#lifecycle = lifecycle;
    this.#inner = new Lifecycle(WHAT, runtime);
    this.#link = link;
    this.#exchange = exchange;
    this.#stream = stream;
    this.#sweeper = sweeper;

    const bounds = (): RequestBounds => this.#bounds();
    const stamps = new WeakMap<Entry, Ms>();
    const clockMs = (): Ms | undefined => clock.estimateMs();
    const shared = { runtime, link, stream, messages, sweeper, bounds, stamps, clockMs };
    let number = 0;
    const nextNumber = (): number => ++number;
    const parts = { api, link, subjects, id: exchange.id, nextNumber };
    const storeOf = (what: string, space: Space, life: Lifecycle): StreamKv => {
      const context: KvContext = { ...shared, what, space, heads: new Heads() };
      return new StreamKv(context, { ...parts, lifecycle: life });
    };
    this.kv = storeOf("kv", subjects.kv, lifecycle);
    this.leases = this.#leasesOver(storeOf("leases", subjects.leases, this.#inner));
    this.bus = new NatsBus({ link, exchange, subjects, lifecycle, runtime, bounds });
  }

  get capabilities(): Capabilities {
    const { facts } = this.#stream;
    const replicas = facts?.replicas ?? this.#options.choice.replicas ?? 1;
    return {
      reads: "leader",
      writes: replicas > 1 ? "quorum" : "single",
      revisions: "clock",
      expiry: "observer",
      minTtlMs: MIN_TTL_MS,
      expiryLagMs: this.#skewMs() + JUDGING_MS,
      maxValueBytes: this.#bounds().maxValueBytes,
      leaseSafety: "lease",
    };
  }

  async ready(options?: { readonly signal?: AbortSignal }): Promise<void> {
    this.#lifecycle.assertOpen();
    const budget = new Budget(this.runtime, checkCall(options, this.#bounds()));
    return this.#lifecycle.track(this.#stream.look(budget, "ready"));
  }

  async health(options?: {
    readonly signal?: AbortSignal;
    readonly timeoutMs?: Ms;
  }): Promise<Health> {
    if (this.#lifecycle.isClosed) {
      return { ok: false, warnings: [`${WHAT} was closed: open a new one`] };
    }
    const call = checkCall(options, this.#bounds());
    const parts = { link: this.#link, stream: this.#stream, runtime: this.runtime };
    return this.#lifecycle.track(askHealth(parts, call));
  }

  close(options?: CloseOptions): Promise<void> {
    const graceMs = nonNegative("graceMs", options?.graceMs ?? DEFAULT_GRACE_MS);
    return this.#lifecycle.close(graceMs, async () => {
      await this.#inner.close(LEAVE_MS, () => {});
      this.#sweeper.close();
      this.#exchange.close();
      this.#link.release();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #leasesOver(kv: StreamKv): LeaseStore {
    const { requestTimeoutMs } = this.#options;
    return leasesOverKv(kv, {
      runtime: this.runtime,
      requestTimeoutMs,
      minTtlMs: MIN_TTL_MS,
      lifecycle: this.#lifecycle,
      // The allowance depends on how many servers stamp, which is known only later.
      skewAllowanceMs: 0,
      ageMs: async (entry) => {
        const ageMs = await kv.ageMs(entry);
        return ageMs === undefined ? undefined : ageMs - this.#skewMs();
      },
    });
  }

  #skewMs(): Ms {
    const replicas = this.#stream.facts?.replicas ?? this.#options.choice.replicas ?? 1;
    return replicas > 1 ? SKEW_MS.several : SKEW_MS.one;
  }

  #bounds(): RequestBounds {
    const maxPayload = this.#link.connection.info?.max_payload ?? 1_048_576;
    return {
      minTtlMs: MIN_TTL_MS,
      maxValueBytes: longestValue(maxPayload, MOST_VALUE_BYTES),
      requestTimeoutMs: this.#options.requestTimeoutMs,
      newOperationId: () => this.runtime.ids.operation(),
    };
  }
}
