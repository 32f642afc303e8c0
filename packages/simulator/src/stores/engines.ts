/**
 * Engines: what each twin promises and does, as data.
 *
 * A twin is the memory engine with another engine's semantics: its clock, its way to hand leases
 * over, what it loses when, and the capabilities that its adapter reports. Each row names the file
 * that it mirrors; `test/simulator/twin-*.test.ts` holds twins against real servers.
 */
import type { Capabilities, Ms } from "@quorate/core";
import type { EngineTwin, TtlClock } from "@quorate/memory";

/** Names of the engines that there are twins of. */
export type EngineName = "memory" | "redis" | "nats";

/** One server, or one that others follow. */
export type Replication = "single" | "replicated";

/** What an engine's twin does. */
export interface EngineTraits {
  readonly twin: EngineTwin;
  /** The clock on which leases and retention count at the server. */
  readonly ttlClock: TtlClock;
  /**
   * What a failover does: `forgets` acknowledged writes that had not reached the replica, or
   * elects a new leader that has them all, and leaves questions unanswered meanwhile.
   */
  readonly failover: "forgets" | "elects";
  /** How long a failover takes, from and to. */
  readonly failoverMs: readonly [fromMs: Ms, toMs: Ms];
}

const MAX_VALUE_BYTES = 524_288;

/** The engine itself: `packages/memory/src/handle/process.ts`. */
function memory(): EngineTraits {
  const capabilities: Capabilities = {
    reads: "linearizable",
    writes: "single",
    revisions: "clock",
    expiry: "server",
    minTtlMs: 1,
    expiryLagMs: 0,
    maxValueBytes: MAX_VALUE_BYTES,
    leaseSafety: "lease",
  };
  return {
    twin: { name: "memory", capabilities, leases: "native", fencedWrites: true },
    ttlClock: "monotonic",
    failover: "forgets",
    failoverMs: [0, 0],
  };
}

/**
 * Redis 7: `packages/redis/src/backend.ts` (capabilities), `leases/*.lua` (one step per script, the
 * line in the store, hand-over by push, a claim window), `PX` and `TIME` (the server's wall clock).
 *
 * Differs on purpose: a grantee that cannot be told costs the claim window of 500 ms; the real
 * engine sees within 10 ms that nobody listens. The real `expiryLagMs` of 50 is kept as a promise;
 * the twin is never late.
 */
function redis(replication: Replication): EngineTraits {
  const isReplicated = replication === "replicated";
  const capabilities: Capabilities = {
    reads: isReplicated ? "leader" : "linearizable",
    writes: isReplicated ? "async-replicas" : "single",
    revisions: "clock",
    expiry: "server",
    minTtlMs: 1,
    expiryLagMs: 50,
    maxValueBytes: MAX_VALUE_BYTES,
    leaseSafety: isReplicated ? "best-effort" : "lease",
  };
  return {
    twin: { name: "redis", capabilities, leases: "native", fencedWrites: true },
    ttlClock: "wall",
    failover: "forgets",
    // Sentinel and cluster with usual settings: research/backends.md §8.
    failoverMs: [900, 3_500],
  };
}

/**
 * NATS JetStream: `packages/nats/src/backend.ts` (capabilities, `SKEW_MS`), leases by the same
 * `leasesOverKv` as in production, in a part of the store of their own; no `kv.fenced`.
 *
 * Differs on purpose: retention ends at the server in the twin and by observation in the real
 * engine, so it is never late here and up to `expiryLagMs` late there; a watch that begins while
 * there is no leader sees the state at once.
 */
function nats(replication: Replication): EngineTraits {
  const isReplicated = replication === "replicated";
  const skewAllowanceMs = isReplicated ? 1_000 : 100;
  const capabilities: Capabilities = {
    reads: "leader",
    writes: isReplicated ? "quorum" : "single",
    revisions: "clock",
    expiry: "observer",
    minTtlMs: 10,
    expiryLagMs: skewAllowanceMs + 150,
    maxValueBytes: MAX_VALUE_BYTES,
    leaseSafety: "lease",
  };
  return {
    twin: { name: "nats", capabilities, leases: "over-kv", skewAllowanceMs, fencedWrites: false },
    ttlClock: "wall",
    failover: "elects",
    // A leader's death: research/backends.md §8.
    failoverMs: [5_300, 7_400],
  };
}

/** What the twin of `engine` does in such a set-up. */
export function traitsOf(engine: EngineName, replication: Replication): EngineTraits {
  switch (engine) {
    case "memory":
      return memory();
    case "redis":
      return redis(replication);
    case "nats":
      return nats(replication);
  }
}
