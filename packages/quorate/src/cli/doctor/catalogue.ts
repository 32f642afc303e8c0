/**
 * What the doctor can find: each with an id that never changes, what it means, and the cure.
 *
 * `wrong`: calls fail, or a promise of Quorate does not hold. `risk`: it holds until something
 * breaks that is known to break. `note`: good to know; it changes no exit code. The order of the
 * table is the order of the report within one severity. `docs/doctor.md` has the same table, and
 * a test that it has every line.
 */

/** How bad it is. */
export type Severity = "wrong" | "risk" | "note";

/** One thing that can be found. */
export interface Entry {
  readonly severity: Severity;
  /** For the person on call: what will happen. */
  readonly means: string;
  /** An exact command or setting. */
  readonly cure: string;
}

/** Everything, by id. */
export const CATALOGUE = {
  "store/unreachable": {
    severity: "wrong",
    means: "nothing can be held, stored or called",
    cure: "check that the server runs, that the URL is right, and that no firewall drops it",
  },
  "redis/auth": {
    severity: "wrong",
    means: "the server lets nobody in without the right password: every call is refused",
    cure: "give user and password in the URL: redis://USER:PASSWORD@host:6379",
  },
  "redis/rights": {
    severity: "wrong",
    means: "the user may not run commands that locks need: calls are refused as STORE_REFUSED",
    cure: "redis-cli ACL SETUSER <user> +@all ~{<namespace>/* &{<namespace>/*",
  },
  "redis/sentinel": {
    severity: "wrong",
    means: "this is a sentinel: it knows where the data is, and holds none",
    cure: 'redisBackend(new Redis({ sentinels: [{ host, port }], name: "mymaster" }))',
  },
  "redis/cluster-mode": {
    severity: "wrong",
    means:
      "this is a node of a cluster, spoken to by a client of one server: most keys are refused",
    cure: "connect(redisBackend(new Redis.Cluster([{ host, port }])))",
  },
  "redis/version": {
    severity: "wrong",
    means: "commands that the engine needs came with 7.0: it refuses to start",
    cure: "upgrade to redis 7.0 or newer",
  },
  "redis/eviction": {
    severity: "wrong",
    means: "with memory full, redis drops keys, held locks too: two holders, and no error",
    cure: "redis-cli CONFIG SET maxmemory-policy noeviction (and the same in redis.conf)",
  },
  "redis/replica": {
    severity: "wrong",
    means: "a replica refuses every write",
    cure: "connect to the master that is named here, or through sentinels",
  },
  "redis/memory-full": {
    severity: "wrong",
    means: "every write is refused (OOM): no lock can be taken, none renewed",
    cure: "redis-cli CONFIG SET maxmemory <more>, or give locks a server of their own",
  },
  "redis/too-few-replicas": {
    severity: "wrong",
    means: "fewer replicas are in step than min-replicas-to-write asks: writes are refused",
    cure: "bring the replicas back: redis-cli INFO replication tells which are missing",
  },
  "redis/writes-stopped": {
    severity: "wrong",
    means: "the last save failed and stop-writes-on-bgsave-error is on: writes are refused",
    cure: "make room on the server's disk, then redis-cli BGSAVE",
  },
  "nats/auth": {
    severity: "wrong",
    means: "the server lets nobody in without the right user: nothing works",
    cure: "give them in the URL: nats://USER:PASSWORD@host:4222, or nats://TOKEN@host:4222",
  },
  "nats/rights": {
    severity: "wrong",
    means: "the user may not use the subjects of this namespace, or JetStream's: calls are refused",
    cure: 'permissions { publish: ["<namespace>.>", "$JS.API.>"], subscribe: ["<namespace>.>"] }',
  },
  "nats/version": {
    severity: "wrong",
    means: "versions before 2.9 lack what the engine needs: it refuses to start",
    cure: "upgrade nats-server to 2.10.23 or newer",
  },
  "nats/replicated-version": {
    severity: "wrong",
    means: "this version can let two writers win, or lose a stream, where it has several copies",
    cure: "upgrade nats-server to 2.10.23 or newer, or use replicas: 1",
  },
  "nats/jetstream-off": {
    severity: "wrong",
    means: "without JetStream nothing is kept: no lock, no record; only the bus works",
    cure: 'in nats-server.conf: jetstream { store_dir: "/var/lib/nats" }, and for the account too',
  },
  "nats/stream-config": {
    severity: "wrong",
    means: "the stream of this namespace cannot serve: the engine refuses to start",
    cure: "nats stream edit <stream> as it is told here, or choose another namespace",
  },
  "nats/no-leader": {
    severity: "wrong",
    means: "the stream has no leader: no quorum of its servers is up, and every call waits",
    cure: "bring the missing servers back: nats stream cluster info <stream>",
  },
  "nats/account-full": {
    severity: "wrong",
    means: "a limit of the account is reached: writes, or the stream itself, are refused",
    cure: "raise the account's JetStream limits, or purge what is not needed: nats account info",
  },
  "nats/replicas-differ": {
    severity: "wrong",
    means: "the stream has another number of copies than your service asks for: it is refused",
    cure: "nats stream edit <stream> --replicas <as asked>",
  },
  "store/foreign-record": {
    severity: "wrong",
    means: "something else writes in this namespace: our records and theirs break each other",
    cure: "give one of them another namespace, then remove the key that is named here",
  },
  "store/refused": {
    severity: "wrong",
    means: "a lock was tried out, and the store would not have it",
    cure: "do what the message says",
  },
  "link/too-slow": {
    severity: "wrong",
    means: "a renewal may come too late: locks are lost though their holders are well",
    cure: "use a server that is nearer, or a longer ttlMs: at least 10 times the p99",
  },
  "redis/no-persistence": {
    severity: "risk",
    means: "a restart forgets every lock and record: two holders until the old ones notice",
    cure: "redis-cli CONFIG SET appendonly yes (and the same in redis.conf)",
  },
  "redis/rdb-only": {
    severity: "risk",
    means: "a crash forgets what was written since the last snapshot: minutes of locks and records",
    cure: "redis-cli CONFIG SET appendonly yes (and the same in redis.conf)",
  },
  "redis/appendfsync": {
    severity: "risk",
    means: "the append-only file reaches the disk when the system likes: a power cut loses it",
    cure: "redis-cli CONFIG SET appendfsync always (or everysec: at most a second is lost)",
  },
  "redis/last-save-failed": {
    severity: "risk",
    means: "the last background save failed: a restart goes back to an older state",
    cure: "look at the server's log and its disk, then redis-cli BGSAVE",
  },
  "redis/aof-failing": {
    severity: "risk",
    means: "the last write to the append-only file failed: what is acknowledged is not kept",
    cure: "make room on the server's disk",
  },
  "redis/failover-loses-grants": {
    severity: "risk",
    means: "a master cut off from its replicas goes on granting what a failover then forgets",
    cure: "redis-cli CONFIG SET min-replicas-to-write 1, and write through a guard (fencing)",
  },
  "redis/replica-lags": {
    severity: "risk",
    means: "a replica is not in step: a failover to it forgets the last grants",
    cure: "look at the replica's log and its network: redis-cli INFO replication",
  },
  "redis/memory-nearly-full": {
    severity: "risk",
    means: "soon every write is refused (OOM): no lock can be taken, none renewed",
    cure: "redis-cli CONFIG SET maxmemory <more>, or find what fills it: redis-cli --bigkeys",
  },
  "redis/clients-nearly-full": {
    severity: "risk",
    means: "soon new connections are refused: a deploy cannot start",
    cure: "redis-cli CONFIG SET maxclients <more>, or find who leaks: redis-cli CLIENT LIST",
  },
  "nats/one-copy": {
    severity: "risk",
    means: "the stream has one copy in a cluster: while its server is down, nothing works",
    cure: "nats stream edit <stream> --replicas 3, and replicas: 3 in natsBackend",
  },
  "nats/memory-storage": {
    severity: "risk",
    means: "the stream is in memory: a restart of its servers forgets every lock and record",
    cure: 'make it anew with storage: "file" (the storage of a stream cannot be changed)',
  },
  "nats/replica-lags": {
    severity: "risk",
    means: "a copy of the stream is away or behind: one more loss stops every write",
    cure: "bring the server back: nats stream cluster info <stream>",
  },
  "nats/account-nearly-full": {
    severity: "risk",
    means: "soon the account's limit is reached, and every write is refused",
    cure: "raise the account's JetStream limits: nats account info tells them",
  },
  "nats/max-payload": {
    severity: "risk",
    means: "values of 512 KiB do not fit: a large answer or saga is refused as TOO_LARGE",
    cure: "in nats-server.conf: max_payload: 1MB",
  },
  "link/slow": {
    severity: "risk",
    means: "a lock costs two round trips: each of them is paid by your users",
    cure: "use a server that is nearer",
  },
  "clock/offset": {
    severity: "risk",
    means: "this machine's clock is off: cron judges its ticks by it, and so do people",
    cure: "set the clock by NTP, here or there: timedatectl set-ntp true",
  },
  "node/busy": {
    severity: "risk",
    means:
      "this machine keeps timers waiting: a renewal may come too late, whatever the server does",
    cure: "give the process more CPU, and move long computations off its event loop",
  },
  "node/version": {
    severity: "risk",
    means: "this Node.js is older than 20.19: not tested, and require() of the packages fails",
    cure: "upgrade Node.js to 20.19 or newer",
  },
  "redis/everysec": {
    severity: "note",
    means: "a power cut, not a crash of redis, forgets the last second; tokens grow all the same",
    cure: "where that second matters: redis-cli CONFIG SET appendfsync always",
  },
  "redis/config-hidden": {
    severity: "note",
    means: "CONFIG is not allowed here: appendfsync, save and min-replicas-to-write are unknown",
    cure: "look them up where your provider shows them",
  },
  "nats/no-stream": {
    severity: "note",
    means: "nobody used this namespace yet: its stream is made by the first who does",
    cure: "in a cluster give replicas: 3 to natsBackend from the first day",
  },
  "memory/one-process": {
    severity: "note",
    means: "memory is this process's own: no other process sees its locks",
    cure: "quorate doctor --redis localhost, or --nats localhost",
  },
} as const;

/** Name of something that can be found. Never changes its meaning. */
export type FindingId = keyof typeof CATALOGUE;

/** Something that was found. */
export interface Finding extends Entry {
  readonly id: FindingId;
  /** The facts of this server. */
  readonly found: string;
}

/** A finding by its id, with its facts. */
export function finding(id: FindingId, found: string): Finding {
  return { id, found, ...CATALOGUE[id] };
}

const RANKS: Readonly<Record<Severity, number>> = { wrong: 0, risk: 1, note: 2 };
const ORDER = Object.keys(CATALOGUE);

/** The worst first. */
export function inOrder(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted(
    (left, right) =>
      RANKS[left.severity] - RANKS[right.severity] ||
      ORDER.indexOf(left.id) - ORDER.indexOf(right.id),
  );
}
