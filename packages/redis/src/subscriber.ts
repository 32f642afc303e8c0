/**
 * The connection that listens: made on first need, beside the user's client, and closed by us.
 *
 * One connection on a single server; in a cluster one for each master whose channels are wanted,
 * because a script publishes within its slot only. ioredis subscribes again after a reconnect; what
 * was said in between is lost, so whoever listens is told of each new beginning (`onReset`) and
 * asks the store for the state.
 *
 * Guarantees: `listen` resolves when the server knows of the subscription; handlers are called in
 * the order of the server's pushes. Does not guarantee delivery.
 */
import { isQuorateError, type Runtime, type Timer, withDeadline } from "@quorate/core";
import { addressOf, type AnyRedis, isCluster, type SubscriberLike } from "./client.ts";
import { unavailable } from "./errors.ts";
import { slotOf } from "./slots.ts";

/** Receives a push. */
export type PushHandler = (data: Buffer, channel: string) => void;

/** A channel, or all that match a pattern. In a cluster all but shards need a `home`. */
export interface Channel {
  readonly name: string;
  /** `shard`: published within the slot in a cluster. `plain`: to all. `pattern`: a glob. */
  readonly kind: "shard" | "plain" | "pattern";
  /** A key whose slot says which node of a cluster to listen at. @default the channel's name */
  readonly home?: string;
}

interface Entry {
  readonly channel: Channel;
  readonly handlers: Set<PushHandler>;
  node: Node | undefined;
  active: Promise<void>;
}

interface Node {
  readonly key: string;
  readonly connection: SubscriberLike;
  ready: boolean;
  readonly detach: (() => void)[];
}

const MOVE_PAUSE_MS = 100;
const MOVE_AGAIN_MS = 500;
const LONGEST_RECONNECT_MS = 1_000;

/** What a subscriber is made of. */
export interface SubscriberParts {
  readonly runtime: Pick<Runtime, "time">;
  /** Resolves once the store is known to serve us; in a cluster, once its nodes are known. */
  readonly ready: () => Promise<void>;
  readonly timeoutMs: number;
  /** The user's own connection for subscriptions. */
  readonly given: SubscriberLike | undefined;
}

/** Listens to channels. */
export class Subscriber {
  readonly #client: AnyRedis;
  readonly #runtime: Pick<Runtime, "time">;
  readonly #parts: SubscriberParts;
  readonly #given: SubscriberLike | undefined;
  readonly #entries = new Map<string, Entry>();
  readonly #nodes = new Map<string, Node>();
  readonly #resets = new Set<() => void>();
  readonly #downs = new Set<() => void>();
  readonly #detach: (() => void)[] = [];
  #moving: Timer | undefined;
  #closed = false;

  constructor(client: AnyRedis, parts: SubscriberParts) {
    this.#client = client;
    this.#runtime = parts.runtime;
    this.#parts = parts;
    this.#given = parts.given;
    if (!isCluster(client)) return;
    // Slots may have moved with the nodes; what listens at a place that is gone must move too.
    const moved = (): void => this.#moveSoon(MOVE_PAUSE_MS);
    for (const event of ["+node", "-node", "refresh"]) {
      client.on(event, moved);
      this.#detach.push(() => client.removeListener(event, moved));
    }
  }

  /** Subscriptions the server holds for us. */
  get size(): number {
    return this.#entries.size;
  }

  /** Calls `listener` when a connection stands again. Returns the way to unsubscribe. */
  onReset(listener: () => void): () => void {
    this.#resets.add(listener);
    return () => this.#resets.delete(listener);
  }

  /** Calls `listener` when a connection broke: pushes are being missed. */
  onDown(listener: () => void): () => void {
    this.#downs.add(listener);
    return () => this.#downs.delete(listener);
  }

  /** Hands pushes of `channel` to `handler`. Resolves when active; rejects if it cannot be. */
  async listen(wanted: Channel, handler: PushHandler, signal?: AbortSignal): Promise<void> {
    const channel = this.#onThisServer(wanted);
    const id = idOf(channel);
    let entry = this.#entries.get(id);
    if (entry === undefined) {
      entry = { channel, handlers: new Set(), node: undefined, active: Promise.resolve() };
      this.#entries.set(id, entry);
      entry.active = this.#activate(entry);
    }
    entry.handlers.add(handler);
    const { active } = entry;
    const { timeoutMs } = this.#parts;
    const onTimeout = (): Error => this.#unavailable(`not subscribed within ${timeoutMs} ms`);
    try {
      await withDeadline(this.#runtime, active, { timeoutMs, signal, onTimeout });
    } catch (error) {
      this.forget(wanted, handler);
      throw error;
    }
  }

  /** Takes `handler` off; the last one ends the subscription. */
  forget(wanted: Channel, handler: PushHandler): void {
    const channel = this.#onThisServer(wanted);
    const id = idOf(channel);
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    entry.handlers.delete(handler);
    if (entry.handlers.size > 0) return;
    this.#entries.delete(id);
    const { node } = entry;
    if (node?.ready === true) send(node.connection, channel, "off").catch(() => {});
  }

  /** Makes the connection anew: it is open, and silent. */
  restart(): void {
    for (const node of this.#nodes.values()) node.connection.disconnect(true);
  }

  /** Ends all subscriptions and connections. */
  close(): void {
    this.#closed = true;
    this.#moving?.cancel();
    for (const detach of this.#detach.splice(0)) detach();
    for (const node of this.#nodes.values()) this.#part(node);
    this.#entries.clear();
    this.#nodes.clear();
  }

  /** Ours is closed; a connection that was given is left as it was found. */
  #part(node: Node): void {
    if (this.#given === undefined) return node.connection.disconnect();
    for (const { channel } of this.#entries.values()) {
      if (node.ready) send(node.connection, channel, "off").catch(() => {});
    }
    for (const off of node.detach.splice(0)) off();
  }

  #unavailable(reason: string, cause?: unknown): Error {
    const address = addressOf(this.#client);
    return unavailable({ operation: "subscribe", address, key: undefined }, reason, cause);
  }

  async #activate(entry: Entry): Promise<void> {
    await this.#parts.ready();
    try {
      const node = await this.#nodeFor(entry.channel);
      entry.node = node;
      // After a reconnect ioredis subscribes to what had been active before; the rest is ours.
      await send(node.connection, entry.channel, "on");
      // Forgotten while it was on its way: what came too late must not stay at the server.
      const wanted = this.#entries.get(idOf(entry.channel)) !== undefined;
      if (!wanted && !this.#closed) await send(node.connection, entry.channel, "off");
    } catch (error) {
      throw isQuorateError(error) ? error : this.#unavailable("no connection", error);
    }
  }

  async #nodeFor(channel: Channel): Promise<Node> {
    const key = this.#placeOf(channel);
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const connection = this.#connect(key);
    // One that was given may be connected already; its next `ready` is then a reconnect.
    const node: Node = { key, connection, ready: connection.status === "ready", detach: [] };
    this.#nodes.set(key, node);
    this.#attend(node);
    await connection.connect().catch((error: unknown) => {
      // Not the first to connect it (a client that was given), or down: ioredis goes on trying.
      if (connection.status === "end") throw error;
    });
    return node;
  }

  /** Shards are a cluster's; elsewhere the scripts publish to all. */
  #onThisServer(channel: Channel): Channel {
    if (channel.kind !== "shard" || isCluster(this.#client)) return channel;
    return { ...channel, kind: "plain" };
  }

  #attend(node: Node): void {
    const { connection } = node;
    const take = (kind: Channel["kind"], by: unknown, channel: Buffer, data: Buffer): void => {
      const entry = this.#entries.get(`${kind} ${String(by)}`);
      if (entry === undefined) return;
      const name = channel.toString("latin1");
      for (const handler of entry.handlers) handler(data, name);
    };
    // oxlint-disable-next-line typescript/no-explicit-any -- each event has arguments of its own
    const on = (event: string, listener: (...args: any[]) => void): void => {
      connection.on(event, listener);
      node.detach.push(() => connection.removeListener(event, listener));
    };
    on("messageBuffer", (channel: Buffer, data: Buffer) => take("plain", channel, channel, data));
    on("smessageBuffer", (channel: Buffer, data: Buffer) => take("shard", channel, channel, data));
    on("pmessageBuffer", (pattern: string | Buffer, channel: Buffer, data: Buffer) =>
      take("pattern", pattern, channel, data),
    );
    on("error", () => {});
    on("ready", () => {
      const again = node.ready;
      node.ready = true;
      if (again) this.#reset(node);
    });
    on("close", () => {
      if (!this.#closed) for (const listener of this.#downs) listener();
    });
    on("end", () => this.#nodes.delete(node.key));
  }

  /** ioredis has sent its subscriptions again by itself; a PING behind them says they stand. */
  #reset(node: Node): void {
    node.connection.ping().then(
      () => {
        if (!this.#closed) for (const listener of this.#resets) listener();
      },
      () => {},
    );
  }

  #connect(key: string): SubscriberLike {
    if (this.#given !== undefined) return this.#given;
    const client = this.#client;
    if (!isCluster(client)) return client.duplicate({ lazyConnect: true });
    const at = client.nodes("all").find(({ options }) => `${options.host}:${options.port}` === key);
    if (at === undefined) throw this.#unavailable("its slot has no known node at the moment");
    // The pool's own connections never reconnect; the cluster client replaces them instead.
    const retryStrategy = (times: number): number => Math.min(times * 50, LONGEST_RECONNECT_MS);
    return at.duplicate({ lazyConnect: true, retryStrategy });
  }

  /** The node that publishes to `channel`. */
  #placeOf(channel: Channel): string {
    const client = this.#client;
    if (!isCluster(client)) return "";
    return client.slots[slotOf(channel.home ?? channel.name)]?.[0] ?? "";
  }

  #moveSoon(delayMs: number): void {
    if (this.#closed || this.#moving !== undefined) return;
    this.#moving = this.#runtime.time.setTimer(
      delayMs,
      () => {
        this.#moving = undefined;
        this.#moveAll();
      },
      { keepAlive: false },
    );
  }

  #moveAll(): void {
    if (this.#closed) return;
    let moved = false;
    for (const entry of this.#entries.values()) {
      const { node } = entry;
      const place = this.#placeOf(entry.channel);
      if (node === undefined || place === "") continue;
      if (place === node.key && node.connection.status !== "end") continue;
      moved = true;
      if (node.connection.status === "ready") {
        send(node.connection, entry.channel, "off").catch(() => {});
      }
      entry.active = this.#activate(entry);
      entry.active.then(
        () => this.#resets.forEach((listener) => listener()),
        () => this.#moveSoon(MOVE_AGAIN_MS),
      );
    }
    if (moved) this.#dropIdle();
  }

  #dropIdle(): void {
    const used = new Set([...this.#entries.values()].map((entry) => this.#placeOf(entry.channel)));
    for (const node of [...this.#nodes.values()]) {
      if (used.has(node.key)) continue;
      this.#nodes.delete(node.key);
      node.connection.disconnect();
    }
  }
}

function idOf(channel: Channel): string {
  return `${channel.kind} ${channel.name}`;
}

function send(connection: SubscriberLike, channel: Channel, to: "on" | "off"): Promise<unknown> {
  const { kind, name } = channel;
  if (kind === "pattern") {
    return to === "on" ? connection.psubscribe(name) : connection.punsubscribe(name);
  }
  if (kind === "plain") {
    return to === "on" ? connection.subscribe(name) : connection.unsubscribe(name);
  }
  return to === "on" ? connection.ssubscribe(name) : connection.sunsubscribe(name);
}
