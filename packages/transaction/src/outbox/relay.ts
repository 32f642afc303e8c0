/**
 * The relay: takes stored messages to where they belong, and removes them once they were taken.
 *
 * Guarantees: every stored message is delivered at least once, as long as some relay runs; the
 * first deliveries of one key's messages are in order; a message whose consumer fails stops its own
 * key and no other, and after `retry.attempts` becomes a dead letter, after which its key goes on.
 * Does not guarantee: once. A relay that dies between a delivery and its settling, or that is
 * paused beyond its lease, leaves duplicates, which may come late: use an inbox, by message id.
 *
 * Several processes share the partitions; each partition has one relay at a time, by a lease whose
 * fencing token goes with every delivery.
 */
import {
  type Backend,
  type FencingToken,
  inRange,
  invalidArgument,
  knownOptions,
  Lifecycle,
  type Ms,
  nonNegative,
  positive,
  positiveInteger,
  ttl,
} from "@quorate/core";

import { Claims } from "./claims.ts";
import { outboxEvents } from "./events.ts";
import type { RelayRetry } from "./judge.ts";
import type { RelayDesk } from "./partition-relay.ts";
import type { OutboxSource } from "./source.ts";
import { type Publish, publishOf, type RelayTarget } from "./target.ts";

/** Options of `createRelay`. */
export interface RelayOptions {
  /** `outboxCollection`, `sqlOutbox` or `transactionalMessages`. */
  readonly from: OutboxSource;
  /** `busTarget(bus)`, or a function that resolves once the message was taken. */
  readonly to: RelayTarget | Publish;
  /**
   * Shares of a table, 1 to 256; of a collection its own number. All relays of one outbox must say
   * the same. @default 8
   */
  readonly partitions?: number;
  /** Lanes that are worked on at once, per partition. @default 8 */
  readonly concurrency?: number;
  /** Most messages of a lane that are delivered before they are settled. @default 16 */
  readonly batch?: number;
  /** How long a delivery may take. @default 15000 */
  readonly timeoutMs?: Ms;
  /** Patience with one message. */
  readonly retry?: RelayRetry;
  /** Length of the leases: what a relay that died costs. @default 15000 */
  readonly ttlMs?: Ms;
  /** How often shares are looked at. @default a third of ttlMs */
  readonly balanceMs?: Ms;
}

/** A partition that is served here. */
export interface ServedPartition {
  readonly partition: number;
  readonly fencingToken: FencingToken;
  /** Messages (of a collection: records) that wait, as far as they were counted. */
  readonly pending: number;
  /** Age of the oldest message, by wall clocks; 0: none waits. */
  readonly lagMs: Ms;
}

/** A relay. */
export interface Relay extends AsyncDisposable {
  /**
   * Checks that the outbox can be read, then claims partitions and serves them until `close`.
   *
   * @throws the store's error, or that of the outbox; nothing was started, and it may be repeated.
   */
  start(): Promise<void>;
  /** Hints that something was stored just now: a table is looked at sooner. */
  wake(): void;
  /** What is served here, and how far behind it is. @throws the source's error */
  inspect(): Promise<readonly ServedPartition[]>;
  /**
   * Takes no more, gives deliveries at work `graceMs` to end, then cuts them short; gives the
   * leases back. Twice is fine. @default graceMs 5000
   */
  close(options?: { readonly graceMs?: Ms }): Promise<void>;
}

const NAMES = [
  "from",
  "to",
  "partitions",
  "concurrency",
  "batch",
  "timeoutMs",
  "retry",
  "ttlMs",
  "balanceMs",
] as const;

/**
 * A relay whose leases are on `backend`. Nothing runs before `start`.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * import { memoryBackend } from "@quorate/memory";
 * import { busTarget, createRelay, outboxCollection } from "@quorate/transaction";
 * const backend = memoryBackend();
 * const orders = outboxCollection(backend, "orders");
 * await using relay = createRelay(backend, { from: orders, to: busTarget(backend.bus) });
 * await relay.start();
 */
export function createRelay(backend: Backend, options: RelayOptions): Relay {
  if (typeof backend?.leases?.acquire !== "function") {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  const { runtime } = backend;
  const { from, to } = knownOptions("options", options, NAMES);
  if (typeof from?.open !== "function") {
    throw invalidArgument("from", from, "an outbox: outboxCollection() or sqlOutbox()");
  }
  const partitions = positiveInteger("partitions", options.partitions ?? from.partitions ?? 8);
  if (from.partitions !== undefined && partitions !== from.partitions) {
    throw invalidArgument("partitions", partitions, `${from.partitions}, as those of the outbox`);
  }
  const ttlMs = ttl("ttlMs", options.ttlMs ?? 15_000, 100);
  const desk: RelayDesk = {
    runtime,
    events: outboxEvents(runtime.events),
    source: from,
    publish: publishOf(to),
    partitions: inRange("partitions", partitions, 1, 256),
    concurrency: inRange("concurrency", options.concurrency ?? 8, 1, 1_000),
    batch: inRange("batch", options.batch ?? 16, 1, 1_000),
    timeoutMs: positive("timeoutMs", options.timeoutMs ?? 15_000),
    retry: checkRetry(options.retry ?? {}),
  };
  positiveInteger("concurrency", desk.concurrency);
  positiveInteger("batch", desk.batch);
  const balanceMs = positive("balanceMs", options.balanceMs ?? ttlMs / 3);
  return new RunningRelay(backend, desk, { ttlMs, balanceMs });
}

function checkRetry(retry: RelayRetry): Required<RelayRetry> {
  knownOptions("retry", retry, ["attempts", "baseMs", "maxMs"]);
  return {
    attempts: positiveInteger("retry.attempts", retry.attempts ?? 10),
    baseMs: positive("retry.baseMs", retry.baseMs ?? 200),
    maxMs: positive("retry.maxMs", retry.maxMs ?? 30_000),
  };
}

class RunningRelay implements Relay {
  readonly #backend: Backend;
  readonly #desk: RelayDesk;
  readonly #options: { readonly ttlMs: Ms; readonly balanceMs: Ms };
  readonly #lifecycle: Lifecycle;
  #claims: Claims | undefined;
  #starting: Promise<void> | undefined;

  constructor(
    backend: Backend,
    desk: RelayDesk,
    options: { readonly ttlMs: Ms; readonly balanceMs: Ms },
  ) {
    this.#backend = backend;
    this.#desk = desk;
    this.#options = options;
    this.#lifecycle = new Lifecycle(`the relay of ${desk.source.name}`, backend.runtime);
  }

  async start(): Promise<void> {
    this.#lifecycle.assertOpen();
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  wake(): void {
    for (const relay of this.#claims?.serving ?? []) relay.wake();
  }

  async inspect(): Promise<readonly ServedPartition[]> {
    this.#lifecycle.assertOpen();
    const nowMs = this.#desk.runtime.time.wallMs();
    return Promise.all(
      (this.#claims?.serving ?? []).map(async (relay) => {
        const { pending, oldestAtMs = nowMs } = await relay.backlog();
        const { partition, lock } = relay;
        const lagMs = Math.max(0, nowMs - oldestAtMs);
        return { partition, fencingToken: lock.fencingToken, pending, lagMs };
      }),
    );
  }

  close(options: { readonly graceMs?: Ms } = {}): Promise<void> {
    const graceMs = nonNegative("graceMs", options.graceMs ?? 5_000);
    const claims = this.#claims;
    const closing = this.#lifecycle.isClosed ? undefined : claims?.close();
    if (closing !== undefined) void this.#lifecycle.track(closing.catch(() => {}));
    return this.#lifecycle.close(graceMs, async () => {
      claims?.cutShort();
      await closing?.catch(() => {});
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(): Promise<void> {
    this.#lifecycle.assertOpen();
    await this.#desk.source.ready();
    this.#lifecycle.assertOpen();
    this.#claims = new Claims(this.#backend, this.#desk, this.#options);
    this.#claims.start();
  }
}
