/**
 * What is wrong or risky about a Redis. Pure.
 */
import { type Finding, finding } from "./catalogue.ts";
import type { RedisConfig, RedisFacts } from "./facts.ts";
import { isAtLeast } from "./version.ts";

const OLDEST = [7, 0] as const;
/** From which share on something is nearly full. */
const NEARLY = 0.85;
const MIB = 1_048_576;

/** Findings about a server; or about one that would not say how it is. */
export function judgeRedis(facts: RedisFacts | string): Finding[] {
  if (typeof facts === "string") return [finding("redis/rights", facts)];
  // Of something else than a server of data, nothing more is to be said.
  if (facts.mode === "sentinel") return [finding("redis/sentinel", "redis_mode is sentinel")];
  return [
    ...judgeKind(facts),
    ...judgeMemory(facts),
    ...judgeDisk(facts),
    ...judgeReplicas(facts),
    ...(facts.config === undefined ? [finding("redis/config-hidden", "CONFIG GET refused")] : []),
  ];
}

function judgeKind({ master, mode, role, version }: RedisFacts): Finding[] {
  const found: Finding[] = [];
  if (!isAtLeast(version, OLDEST)) found.push(finding("redis/version", `this is redis ${version}`));
  if (mode === "cluster") found.push(finding("redis/cluster-mode", "cluster_enabled is 1"));
  if (role !== "master") {
    found.push(finding("redis/replica", `its role is ${role}; the master is ${master ?? "away"}`));
  }
  return found;
}

function judgeMemory(facts: RedisFacts): Finding[] {
  const { clients, evictionPolicy, maxClients, maxMemoryBytes, usedMemoryBytes } = facts;
  const found: Finding[] = [];
  if (maxMemoryBytes > 0 && evictionPolicy !== "noeviction") {
    found.push(
      finding(
        "redis/eviction",
        `maxmemory-policy is ${evictionPolicy}, maxmemory ${mib(maxMemoryBytes)}`,
      ),
    );
  }
  if (maxMemoryBytes > 0 && usedMemoryBytes >= NEARLY * maxMemoryBytes) {
    const isFull = usedMemoryBytes >= maxMemoryBytes;
    const used = `${mib(usedMemoryBytes)} of maxmemory ${mib(maxMemoryBytes)} are used`;
    found.push(finding(isFull ? "redis/memory-full" : "redis/memory-nearly-full", used));
  }
  if (maxClients !== undefined && clients >= NEARLY * maxClients) {
    found.push(finding("redis/clients-nearly-full", `${clients} of ${maxClients} clients`));
  }
  return found;
}

function judgeDisk(facts: RedisFacts): Finding[] {
  const { config, isAppendOnly, lastAppendOk, lastSaveOk } = facts;
  const found: Finding[] = [];
  if (!lastSaveOk) {
    const isStopped = config?.stopsWritesOnSaveError === true && config.save !== "";
    const id = isStopped ? "redis/writes-stopped" : "redis/last-save-failed";
    found.push(finding(id, "rdb_last_bgsave_status is err"));
  }
  if (!isAppendOnly) return [...found, withoutLog(config)];
  if (!lastAppendOk) found.push(finding("redis/aof-failing", "aof_last_write_status is err"));
  const fsync = `appendonly is yes, appendfsync ${config?.appendFsync ?? "unknown"}`;
  if (config?.appendFsync === "no") found.push(finding("redis/appendfsync", fsync));
  if (config?.appendFsync === "everysec") found.push(finding("redis/everysec", fsync));
  return found;
}

/** Where snapshots are unknown, none is the careful guess: the cure is the same. */
function withoutLog(config: RedisConfig | undefined): Finding {
  const save = config?.save ?? "";
  return save === ""
    ? finding("redis/no-persistence", "appendonly is no, and no snapshot is made")
    : finding("redis/rdb-only", `appendonly is no, snapshots by save "${save}"`);
}

function judgeReplicas({ config, replicas, role }: RedisFacts): Finding[] {
  if (role !== "master") return [];
  const found: Finding[] = [];
  const { minReplicas = 0, minReplicasMaxLagMs = 0 } = config ?? {};
  const isBehind = minReplicasMaxLagMs > 0 ? minReplicasMaxLagMs : 10_000;
  const late = replicas.filter(({ lagMs, state }) => state !== "online" || lagMs > isBehind);
  const inStep = replicas.length - late.length;
  if (minReplicas > inStep) {
    const asked = `min-replicas-to-write is ${minReplicas}, ${inStep} in step`;
    found.push(finding("redis/too-few-replicas", asked));
  }
  if (replicas.length > 0 && config !== undefined && minReplicas === 0) {
    const asked = `${replicas.length} connected, min-replicas-to-write is 0`;
    found.push(finding("redis/failover-loses-grants", asked));
  }
  for (const { address, lagMs, state } of late) {
    found.push(finding("redis/replica-lags", `${address} is ${state}, ${lagMs / 1_000} s behind`));
  }
  return found;
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
