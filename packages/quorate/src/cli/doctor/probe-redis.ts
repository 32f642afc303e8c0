/**
 * What a Redis tells of itself: `INFO`, and `CONFIG GET` where it is allowed.
 *
 * Asked through the client itself, so that a server which the engine refuses can be asked too.
 */
import { type Ms, scrub, withDeadline } from "@quorate/core";
import type { NativeClient } from "../../engines.ts";
import type { RedisConfig, RedisFacts, RedisReplica } from "./facts.ts";
import type { Asking } from "./probe-common.ts";

/** The part of the client that is used. */
export type RedisClient = Extract<NativeClient, { engine: "redis" }>["client"];

/** Whether the link came up. */
export type Reached =
  | { readonly kind: "ready" }
  | { readonly kind: "locked-out"; readonly reason: string }
  | { readonly kind: "unreachable"; readonly reason: string };

const LOCKED_OUT = /WRONGPASS|NOAUTH|invalid (?:username|password)/i;
const SETTINGS = ["appendfsync", "save", "min-replicas-to-write", "min-replicas-max-lag"] as const;

/** Waits until the client is ready, or says why it is not: the first error tells. */
export async function reachRedis(client: RedisClient, asking: Asking): Promise<Reached> {
  const { runtime, signal, timeoutMs } = asking;
  let onReady: () => void = () => {};
  let onError: (error: Error) => void = () => {};
  const settled = new Promise<Reached>((resolve) => {
    onReady = () => resolve({ kind: "ready" });
    onError = (error) => {
      const reason = textOf(error);
      resolve({ kind: LOCKED_OUT.test(reason) ? "locked-out" : "unreachable", reason });
    };
    if (client.status === "ready") return onReady();
    client.once("ready", onReady);
    client.on("error", onError);
  });
  try {
    return await withDeadline(runtime, settled, {
      timeoutMs,
      signal,
      onTimeout: () => new Error(`no answer in ${timeoutMs} ms`),
    });
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "unreachable", reason: textOf(error) };
  } finally {
    client.off("ready", onReady);
    client.off("error", onError);
  }
}

/** Everything that it tells; a string: it refused to tell, in its words. */
export async function probeRedis(client: RedisClient): Promise<RedisFacts | string> {
  const info = await client.call("INFO", "everything").catch((error: unknown) => error);
  if (info instanceof Error) return textOf(info);
  return factsOf(String(info), await configOf(client));
}

/** Ours is to be compared with it: `TIME`, in milliseconds. */
export async function redisTime(client: RedisClient): Promise<Ms | undefined> {
  const answer = await client.call("TIME").catch(() => undefined);
  if (!Array.isArray(answer)) return undefined;
  const [seconds, micros] = answer.map(Number);
  return seconds === undefined || micros === undefined
    ? undefined
    : seconds * 1_000 + micros / 1_000;
}

async function configOf(client: RedisClient): Promise<RedisConfig | undefined> {
  const names = [...SETTINGS, "stop-writes-on-bgsave-error"];
  const answer = await client.call("CONFIG", "GET", ...names).catch(() => undefined);
  if (!Array.isArray(answer)) return undefined;
  const settings = new Map<string, string>();
  for (let index = 0; index + 1 < answer.length; index += 2) {
    settings.set(String(answer[index]), String(answer[index + 1]));
  }
  return {
    appendFsync: settings.get("appendfsync") ?? "unknown",
    save: settings.get("save") ?? "",
    minReplicas: Number(settings.get("min-replicas-to-write") ?? 0),
    minReplicasMaxLagMs: Number(settings.get("min-replicas-max-lag") ?? 0) * 1_000,
    stopsWritesOnSaveError: settings.get("stop-writes-on-bgsave-error") === "yes",
  };
}

/** Reads the text of `INFO`. */
export function factsOf(info: string, config: RedisConfig | undefined): RedisFacts {
  const facts = new Map<string, string>();
  for (const line of info.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0) facts.set(line.slice(0, colon), line.slice(colon + 1));
  }
  const number = (name: string): number => Number(facts.get(name) ?? 0);
  const host = facts.get("master_host");
  return {
    version: facts.get("redis_version") ?? "unknown",
    mode: facts.get("redis_mode") ?? "standalone",
    role: facts.get("role") ?? "unknown",
    master: host === undefined ? undefined : `${host}:${facts.get("master_port") ?? "?"}`,
    maxMemoryBytes: number("maxmemory"),
    usedMemoryBytes: number("used_memory"),
    evictionPolicy: facts.get("maxmemory_policy") ?? "unknown",
    isAppendOnly: facts.get("aof_enabled") === "1",
    lastSaveOk: facts.get("rdb_last_bgsave_status") !== "err",
    lastAppendOk: facts.get("aof_last_write_status") !== "err",
    clients: number("connected_clients"),
    maxClients: facts.has("maxclients") ? number("maxclients") : undefined,
    replicas: [...facts].filter(([name]) => /^slave\d+$/.test(name)).map(([, of]) => replicaOf(of)),
    config,
  };
}

/** Reads `ip=10.0.0.2,port=6379,state=online,offset=14,lag=1`. */
function replicaOf(text: string): RedisReplica {
  const fields = new Map<string, string>();
  for (const part of text.split(",")) {
    const [name = "", value = ""] = part.split("=");
    fields.set(name, value);
  }
  return {
    address: `${fields.get("ip") ?? "?"}:${fields.get("port") ?? "?"}`,
    state: fields.get("state") ?? "unknown",
    lagMs: Number(fields.get("lag") ?? 0) * 1_000,
  };
}

function textOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code: unknown = (error as { code?: unknown } | undefined)?.code;
  return scrub(message === "" && typeof code === "string" ? code : message);
}
