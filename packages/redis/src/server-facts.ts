/**
 * What the server says of itself, by `INFO`: version, memory policy, persistence, replicas.
 */
import { type Runtime, withDeadline } from "@quorate/core";
import { addressOf, type AnyRedis, isCluster, type RedisLike } from "./client.ts";
import { classify, refused, unavailable } from "./errors.ts";

/** Facts of one server. */
export interface ServerFacts {
  readonly version: string;
  readonly major: number;
  readonly role: string;
  readonly replicas: number;
  readonly maxMemory: number;
  readonly evictionPolicy: string;
  readonly appendOnly: boolean;
  /** Replicas without persistence of their own lose what an empty master restarts with. */
  readonly lastSaveOk: boolean;
}

/** Asks. The link must be up. */
export async function readFacts(
  client: AnyRedis,
  runtime: Pick<Runtime, "time">,
  timeoutMs: number,
): Promise<ServerFacts> {
  const node = isCluster(client) ? client.nodes("master")[0] : client;
  const about = { operation: "ready", address: addressOf(client), key: undefined };
  if (node === undefined) throw unavailable(about, "the cluster has no known master");
  try {
    const info = await withDeadline(runtime, infoOf(node), {
      timeoutMs,
      onTimeout: () => unavailable(about, `no answer to INFO in ${timeoutMs} ms`),
    });
    return parseInfo(info);
  } catch (error) {
    const failure = classify(error);
    if (failure.kind === "refused") throw refused(about, failure.reason);
    throw error;
  }
}

async function infoOf(node: RedisLike): Promise<string> {
  return String(await node.call("INFO"));
}

/** Reads the text of `INFO`. */
export function parseInfo(info: string): ServerFacts {
  const facts = new Map<string, string>();
  for (const line of info.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) facts.set(line.slice(0, colon), line.slice(colon + 1));
  }
  const version = facts.get("redis_version") ?? "unknown";
  return {
    version,
    major: Number.parseInt(version, 10) || 0,
    role: facts.get("role") ?? "unknown",
    replicas: Number(facts.get("connected_slaves") ?? 0),
    maxMemory: Number(facts.get("maxmemory") ?? 0),
    evictionPolicy: facts.get("maxmemory_policy") ?? "unknown",
    appendOnly: facts.get("aof_enabled") === "1",
    lastSaveOk: facts.get("rdb_last_bgsave_status") !== "err",
  };
}
