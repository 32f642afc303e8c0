/**
 * Engines by their URL: what `connect("redis://…")` opens, and what it says if something lacks.
 *
 * The umbrella installs no client and no engine but memory. Those of Redis and NATS are loaded when
 * a URL asks for them, so a service that runs in memory has nothing of them on its disk.
 *
 * Guarantees: a client that was opened here is closed here, also when opening fails halfway; no
 * error shows a password of the URL.
 */
import {
  type Backend,
  type BackendOptions,
  invalidArgument,
  QuorateError,
  safeCause,
} from "@quorate/core";
import { memoryBackend } from "@quorate/memory";
// Types alone: nothing of these is loaded before a URL asks for it.
import type { natsBackend } from "@quorate/nats";
import type { redisBackend } from "@quorate/redis";
import type { connect as dial } from "@nats-io/transport-node";
import type { Redis as IoRedis } from "ioredis";

/** The client that was opened, for whoever must ask the server what no backend tells. */
export type NativeClient =
  | { readonly engine: "redis"; readonly client: InstanceType<typeof IoRedis> }
  | { readonly engine: "nats"; readonly client: Awaited<ReturnType<typeof dial>> };

/** A backend, and how to end it together with the client that was opened for it. */
export interface OpenEngine {
  readonly backend: Backend;
  /** Absent for memory, and where the backend was handed in. */
  readonly native?: NativeClient;
  close(): Promise<void>;
}

/** Loads a package that may not be installed. */
export type Load = (specifier: EngineModule) => Promise<unknown>;

/** What an engine may need besides us. */
export type EngineModule =
  | "@quorate/redis"
  | "@quorate/nats"
  | "ioredis"
  | "@nats-io/transport-node"
  | "nats";

interface RedisEngine {
  readonly redisBackend: typeof redisBackend;
}
interface RedisClient {
  readonly Redis: typeof IoRedis;
}
interface NatsEngine {
  readonly natsBackend: typeof natsBackend;
}
interface NatsClient {
  readonly connect: typeof dial;
}

/** How often the client of NATS looks whether its server lives. */
const NATS_PING_MS = 5_000;
const NOT_FOUND: ReadonlySet<unknown> = new Set(["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"]);

/** Literal specifiers, so that bundlers see them. */
const fromDisk: Load = (specifier) => {
  switch (specifier) {
    case "@quorate/redis":
      return import("@quorate/redis");
    case "@quorate/nats":
      return import("@quorate/nats");
    case "ioredis":
      return import("ioredis");
    case "@nats-io/transport-node":
      return import("@nats-io/transport-node");
    case "nats":
      return import("nats");
  }
};

/**
 * Opens the engine that `url` names. The server has not been asked yet: `backend.ready()` does.
 *
 * @throws INVALID_ARGUMENT no engine has this scheme. UNSUPPORTED a package is not installed.
 *   STORE_UNAVAILABLE the server of NATS does not answer.
 */
export async function openEngine(
  url: string,
  options: BackendOptions,
  load: Load = fromDisk,
): Promise<OpenEngine> {
  switch (schemeOf(url)) {
    case "memory": {
      const backend = memoryBackend(options);
      return { backend, close: () => backend.close() };
    }
    case "redis":
    case "rediss":
      return openRedis(url, options, load);
    case "nats":
    case "tls":
      return openNats(url, options, load);
    default:
      throw invalidArgument(
        "url",
        schemeOf(url),
        "memory:, redis://host:6379, rediss://…, nats://host:4222 or tls://…; for a cluster or " +
          "sentinels make the client yourself and hand over redisBackend(client)",
      );
  }
}

function schemeOf(url: string): string {
  return /^([a-z]+):/i.exec(url)?.[1]?.toLowerCase() ?? "no URL";
}

async function openRedis(url: string, options: BackendOptions, load: Load): Promise<OpenEngine> {
  const install = "npm install @quorate/redis ioredis";
  const engine = await need<RedisEngine>("@quorate/redis", load, install);
  const { Redis } = await need<RedisClient>("ioredis", load, install);
  const client = new Redis(url);
  // The backend tells of a link that is down; ioredis prints what nobody listens for.
  client.on("error", () => {});
  try {
    const backend = engine.redisBackend(client, options);
    return {
      backend,
      native: { engine: "redis", client },
      async close() {
        await backend.close();
        client.disconnect();
      },
    };
  } catch (error) {
    client.disconnect();
    throw error;
  }
}

async function openNats(url: string, options: BackendOptions, load: Load): Promise<OpenEngine> {
  const install = "npm install @quorate/nats @nats-io/transport-node";
  const engine = await need<NatsEngine>("@quorate/nats", load, install);
  const { connect } = await eitherNats(load, install);
  const where = new URL(url);
  const { host, protocol } = where;
  const settings = {
    servers: host,
    maxReconnectAttempts: -1,
    pingInterval: NATS_PING_MS,
    ...(protocol === "tls:" && { tls: {} }),
    ...loginOf(where),
  };
  const client = await connect(settings).catch((error: unknown) => {
    throw unreachable(`${protocol}//${host}`, error);
  });
  try {
    const backend = engine.natsBackend(client, options);
    return {
      backend,
      native: { engine: "nats", client },
      async close() {
        await backend.close();
        await client.close();
      },
    };
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** The newer client if it is there, else the one that is called `nats`. */
async function eitherNats(load: Load, install: string): Promise<NatsClient> {
  try {
    return (await load("@nats-io/transport-node")) as NatsClient;
  } catch (error) {
    if (!isMissing(error)) throw error;
    return need<NatsClient>("nats", load, install);
  }
}

/** Clients of NATS take no credentials in a URL. */
function loginOf({ username, password }: Pick<URL, "username" | "password">): object {
  const user = decodeURIComponent(username);
  if (user === "") return {};
  return password === "" ? { token: user } : { user, pass: decodeURIComponent(password) };
}

async function need<T>(specifier: EngineModule, load: Load, install: string): Promise<T> {
  try {
    return (await load(specifier)) as T;
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new QuorateError("UNSUPPORTED", `${specifier} is not installed; run: ${install}`, {
      effect: "none",
      details: { feature: specifier },
      cause: safeCause(error),
    });
  }
}

function isMissing(error: unknown): boolean {
  return NOT_FOUND.has((error as { code?: unknown } | undefined)?.code);
}

function unreachable(address: string, cause: unknown): QuorateError<"STORE_UNAVAILABLE"> {
  const message = `${address} does not answer; is nats-server running there, with JetStream on?`;
  return new QuorateError("STORE_UNAVAILABLE", message, {
    effect: "none",
    details: { operation: "connect", address },
    cause: safeCause(cause),
  });
}
