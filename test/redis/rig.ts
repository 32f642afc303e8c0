/**
 * What tests of the Redis backend share: a server, backends on it, and a way to wait for a fact.
 */
import type { Backend, Grant, Refusal } from "@quorate/core";
import { redisBackend, type RedisBackendOptions } from "@quorate/redis";
import { Redis } from "ioredis";
import { startRedis } from "../../scripts/servers/index.mjs";
import type { ServerProcess } from "../../scripts/servers/types.ts";

/** Options of a client that tests set. */
export interface ClientOptions {
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  readonly autoResendUnfulfilledCommands?: boolean;
  readonly lazyConnect?: boolean;
  readonly enableAutoPipelining?: boolean;
}

/** A server, and all that was opened on it. */
export class Rig {
  readonly server: ServerProcess;
  readonly admin: Redis;
  readonly #closing: (() => Promise<void>)[] = [];

  private constructor(server: ServerProcess) {
    this.server = server;
    this.admin = new Redis(server.port, server.host, { retryStrategy: () => 20 });
    this.admin.on("error", () => {});
  }

  /** Starts a server. */
  static async start(args: readonly string[] = []): Promise<Rig> {
    return new Rig(await startRedis({ args }));
  }

  /** A client, as another process would have. */
  client(options: ClientOptions = {}): Redis {
    const { host, port } = this.server;
    const client = new Redis({ host, port, retryStrategy: () => 20, ...options });
    client.on("error", () => {});
    this.#closing.push(async () => client.disconnect());
    return client;
  }

  /** A backend on a client of its own. */
  open(options: RedisBackendOptions = {}, clientOptions: ClientOptions = {}): Backend {
    const backend = redisBackend(this.client(clientOptions), { namespace: "test", ...options });
    this.#closing.unshift(() => backend.close({ graceMs: 0 }));
    return backend;
  }

  /** Has something closed with the rig. */
  defer(close: () => Promise<void>): void {
    this.#closing.unshift(close);
  }

  /** Closes what was opened, keeps the server. */
  async clear(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close();
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    await this.clear();
    this.admin.disconnect();
    await this.server.stop();
  }

  /** Commands that clients have sent, as the server counts them; its own inside scripts not. */
  async commandsSent(): Promise<number> {
    const stats = await this.admin.info("commandstats");
    const calls = [...stats.matchAll(/cmdstat_(?:eval|evalsha):calls=(\d+)/g)];
    return calls.reduce((sum, [, count]) => sum + Number(count), 0);
  }
}

/** The grant in `answer`. */
export function granted(answer: Grant | Refusal): Grant {
  if (!answer.granted) throw new Error("the claim was refused");
  return answer;
}

/** Resolves when `holds`, looking every 5 ms; rejects after `withinMs`. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 5_000,
): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Sleeps. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
