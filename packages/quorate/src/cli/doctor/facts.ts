/**
 * The facts that the doctor judges: what probes read, without an opinion.
 */
import type { Ms } from "@quorate/core";

/** How far our clock is from the server's: ours minus theirs, and how far that may be wrong. */
export interface ClockFact {
  readonly offsetMs: Ms;
  /** Half the round trip that asked. */
  readonly errorMs: Ms;
}

/** Facts of any engine, and of this machine. */
export interface CommonFacts {
  /** As `20.19.0`. */
  readonly nodeVersion: string;
  /** How long the leases of the service last. */
  readonly ttlMs: Ms;
  /** Round trips, shortest first; empty: none was made. */
  readonly tripsMs: readonly Ms[];
  /** Absent where the server does not tell its time. */
  readonly clock: ClockFact | undefined;
  /** How late timers came while it was asked, the middle one. */
  readonly timersLateMs: Ms;
}

/** What `INFO` and `CONFIG GET` tell. What was not told is `undefined`. */
export interface RedisFacts {
  readonly version: string;
  /** `standalone`, `cluster` or `sentinel`. */
  readonly mode: string;
  readonly role: string;
  /** `host:port`, of a replica. */
  readonly master: string | undefined;
  readonly maxMemoryBytes: number;
  readonly usedMemoryBytes: number;
  readonly evictionPolicy: string;
  readonly isAppendOnly: boolean;
  readonly lastSaveOk: boolean;
  readonly lastAppendOk: boolean;
  readonly clients: number;
  readonly maxClients: number | undefined;
  readonly replicas: readonly RedisReplica[];
  readonly config: RedisConfig | undefined;
}

/** A replica as its master sees it. */
export interface RedisReplica {
  readonly address: string;
  /** `online` when it is in step. */
  readonly state: string;
  /** Since it last acknowledged. */
  readonly lagMs: Ms;
}

/** Settings that only `CONFIG GET` tells. */
export interface RedisConfig {
  readonly appendFsync: string;
  /** When snapshots are made; empty: never. */
  readonly save: string;
  readonly minReplicas: number;
  readonly minReplicasMaxLagMs: Ms;
  readonly stopsWritesOnSaveError: boolean;
}

/** What the server and JetStream tell. */
export interface NatsFacts {
  readonly version: string;
  /** Empty where there is none. */
  readonly cluster: string;
  readonly maxPayloadBytes: number;
  readonly jetStream: JetStreamFact;
  /** Absent: nobody made it yet. */
  readonly stream: NatsStream | undefined;
  readonly streamName: string;
  /** Copies that the service asks for; `undefined`: it does not say. */
  readonly wantedReplicas: number | undefined;
}

/** Whether there is JetStream for us. */
export type JetStreamFact =
  | { readonly kind: "off"; readonly why: string }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "on"; readonly usage: readonly NatsUsage[] };

/** Of one thing that an account may have so much of. */
export interface NatsUsage {
  readonly what: "bytes in memory" | "bytes on disk" | "streams";
  readonly used: number;
  /** Absent: no limit. */
  readonly limit: number | undefined;
}

/** The stream of the namespace. */
export interface NatsStream {
  readonly replicas: number;
  readonly storage: string;
  /** Absent where streams have no leader: one server. */
  readonly leader: string | undefined;
  readonly isClustered: boolean;
  readonly copies: readonly {
    readonly name: string;
    readonly isCurrent: boolean;
    readonly isOffline: boolean;
  }[];
}

/** What became of a lock that was taken, renewed and given back, and of a record. */
export type Rehearsal =
  | { readonly kind: "passed" }
  | { readonly kind: "skipped" }
  | {
      readonly kind: "failed";
      readonly code: string;
      /** Of UNSUPPORTED: what is not supported. */
      readonly feature: string | undefined;
      readonly message: string;
    };

/** Everything that is known of one server. */
export type Examination =
  | { readonly kind: "unreachable"; readonly engine: string; readonly reason: string }
  | { readonly kind: "locked-out"; readonly engine: "redis" | "nats"; readonly reason: string }
  | { readonly kind: "memory"; readonly common: CommonFacts }
  | {
      readonly kind: "redis";
      readonly common: CommonFacts;
      /** A refusal of `INFO`, in the server's words. */
      readonly redis: RedisFacts | string;
      readonly rehearsal: Rehearsal;
    }
  | {
      readonly kind: "nats";
      readonly common: CommonFacts;
      readonly nats: NatsFacts;
      readonly rehearsal: Rehearsal;
    };
