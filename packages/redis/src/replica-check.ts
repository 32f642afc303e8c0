/**
 * Waiting for replicas: `WAIT` on a connection of its own, because it holds up all behind it.
 *
 * WAIT covers the writes of the connection that asks, so this one writes too: a key of its own,
 * after the grant it is to cover. Replication is one ordered stream; a replica that has this write
 * has the grant before it.
 *
 * Guarantees: resolves only if so many replicas had the grant. Does not guarantee that one of them
 * is promoted, nor that a write which too few have is undone: the caller gives the grant back.
 */
import { type Ms, QuorateError, type Runtime, withDeadline } from "@quorate/core";
import { addressOf, type AnyRedis, isCluster, type RedisLike } from "./client.ts";
import type { CheckedOptions } from "./options.ts";
import type { Partition } from "./partitions.ts";
import { slotOf } from "./slots.ts";

const MARK_TTL_MS = 60_000;

/** Asks replicas. */
export class ReplicaCheck {
  readonly #client: AnyRedis;
  readonly #runtime: Pick<Runtime, "time">;
  readonly #count: number;
  readonly #timeoutMs: Ms;
  readonly #connections = new Map<string, RedisLike>();

  constructor(client: AnyRedis, options: CheckedOptions) {
    this.#client = client;
    this.#runtime = options.runtime;
    this.#count = options.replicas;
    this.#timeoutMs = options.replicasTimeoutMs;
  }

  /** Resolves once enough replicas have all that `partition` had; else `STORE_UNAVAILABLE`. */
  async wait(partition: Partition): Promise<void> {
    const connection = this.#connectionFor(partition);
    const work = (async () => {
      await connection.call("SET", `${partition.prefix}r`, "1", "PX", String(MARK_TTL_MS));
      return Number(await connection.call("WAIT", String(this.#count), String(this.#timeoutMs)));
    })();
    const acknowledged = await withDeadline(this.#runtime, work, {
      timeoutMs: 2 * this.#timeoutMs,
      onTimeout: () => this.#tooFew(0),
    });
    if (acknowledged < this.#count) throw this.#tooFew(acknowledged);
  }

  /** Closes the connections. */
  close(): void {
    for (const connection of this.#connections.values()) {
      (connection as unknown as { disconnect(): void }).disconnect();
    }
    this.#connections.clear();
  }

  #connectionFor(partition: Partition): RedisLike {
    const client = this.#client;
    const place = isCluster(client) ? (client.slots[slotOf(partition.prefix)]?.[0] ?? "") : "";
    const known = this.#connections.get(place);
    if (known !== undefined) return known;
    const source = isCluster(client)
      ? client.nodes("master").find(({ options }) => `${options.host}:${options.port}` === place)
      : client;
    if (source === undefined) throw this.#tooFew(0);
    const connection = source.duplicate() as unknown as RedisLike;
    connection.on("error", () => {});
    connection.on("end", () => this.#connections.delete(place));
    this.#connections.set(place, connection);
    return connection;
  }

  #tooFew(acknowledged: number): QuorateError<"STORE_UNAVAILABLE"> {
    const address = addressOf(this.#client);
    const message =
      `${acknowledged} of ${this.#count} replicas of redis at ${address} have the grant: ` +
      "it was given back";
    const details = { operation: "leases.acquire", address };
    return new QuorateError("STORE_UNAVAILABLE", message, { effect: "none", details });
  }
}
