/**
 * The judgement, fact by fact: one thing is made wrong, and it and nothing else is found.
 */
import { describe, expect, it } from "vitest";
import { CATALOGUE } from "./catalogue.ts";
import type { CommonFacts, Examination, NatsFacts, NatsStream, RedisFacts } from "./facts.ts";
import { diagnose, percentile } from "./judge.ts";
import { factsOf } from "./probe-redis.ts";
import { streamNameOf } from "./probe-nats.ts";
import { reportOf } from "./report.ts";
import { isAtLeast } from "./version.ts";

const common: CommonFacts = {
  nodeVersion: "20.20.2",
  ttlMs: 15_000,
  tripsMs: [0.1, 0.2, 0.3],
  clock: { offsetMs: 3, errorMs: 0.1 },
  timersLateMs: 1,
};
const config = {
  appendFsync: "always",
  save: "",
  minReplicas: 0,
  minReplicasMaxLagMs: 10_000,
  stopsWritesOnSaveError: true,
};
const redis: RedisFacts = {
  version: "7.0.15",
  mode: "standalone",
  role: "master",
  master: undefined,
  maxMemoryBytes: 100_000_000,
  usedMemoryBytes: 1_000_000,
  evictionPolicy: "noeviction",
  isAppendOnly: true,
  lastSaveOk: true,
  lastAppendOk: true,
  clients: 10,
  maxClients: 10_000,
  replicas: [],
  config,
};
const stream: NatsStream = {
  replicas: 3,
  storage: "file",
  leader: "n1",
  isClustered: true,
  copies: [
    { name: "n2", isCurrent: true, isOffline: false },
    { name: "n3", isCurrent: true, isOffline: false },
  ],
};
const nats: NatsFacts = {
  version: "2.11.4",
  cluster: "c",
  maxPayloadBytes: 1_048_576,
  jetStream: { kind: "on", usage: [] },
  stream,
  streamName: "QUORATE_quorate",
  wantedReplicas: 3,
};

const idsOf = (examination: Examination): readonly string[] =>
  diagnose(examination).map(({ id }) => id);
const ofRedis = (change: Partial<RedisFacts>): readonly string[] =>
  idsOf({
    kind: "redis",
    common,
    redis: { ...redis, ...change },
    rehearsal: { kind: "passed" },
  });
const ofNats = (change: Partial<NatsFacts>): readonly string[] =>
  idsOf({ kind: "nats", common, nats: { ...nats, ...change }, rehearsal: { kind: "passed" } });
const ofCommon = (change: Partial<CommonFacts>): readonly string[] =>
  idsOf({
    kind: "redis",
    common: { ...common, ...change },
    redis,
    rehearsal: { kind: "passed" },
  });

it("finds nothing about servers that are set up well", () => {
  expect(ofRedis({})).toEqual([]);
  expect(ofNats({})).toEqual([]);
});

describe("of a redis", () => {
  const replica = { address: "h:1", state: "online", lagMs: 0 };
  it.each<[string, Partial<RedisFacts>]>([
    ["redis/version", { version: "6.2.14" }],
    ["redis/sentinel", { mode: "sentinel", role: "sentinel" }],
    ["redis/cluster-mode", { mode: "cluster" }],
    ["redis/replica", { role: "slave", master: "h:1" }],
    ["redis/eviction", { evictionPolicy: "volatile-ttl" }],
    ["redis/memory-nearly-full", { usedMemoryBytes: 85_000_000 }],
    ["redis/memory-full", { usedMemoryBytes: 100_000_000 }],
    ["redis/clients-nearly-full", { clients: 8_500 }],
    ["redis/no-persistence", { isAppendOnly: false }],
    ["redis/rdb-only", { isAppendOnly: false, config: { ...config, save: "60 1" } }],
    ["redis/appendfsync", { config: { ...config, appendFsync: "no" } }],
    ["redis/everysec", { config: { ...config, appendFsync: "everysec" } }],
    ["redis/aof-failing", { lastAppendOk: false }],
    ["redis/last-save-failed", { lastSaveOk: false }],
    ["redis/writes-stopped", { lastSaveOk: false, config: { ...config, save: "60 1" } }],
    ["redis/failover-loses-grants", { replicas: [replica] }],
    ["redis/too-few-replicas", { config: { ...config, minReplicas: 1 } }],
    [
      "redis/replica-lags",
      {
        replicas: [replica, { ...replica, lagMs: 30_000 }],
        config: { ...config, minReplicas: 1 },
      },
    ],
    ["redis/config-hidden", { config: undefined }],
  ])("%s is found, and nothing else", (id, change) => {
    expect(ofRedis(change)).toEqual([id]);
  });

  it("without a bound on its memory nothing is evicted, whatever the policy", () => {
    expect(ofRedis({ maxMemoryBytes: 0, evictionPolicy: "allkeys-lru" })).toEqual([]);
  });
});

describe("of a nats-server", () => {
  const disk = { what: "bytes on disk", limit: 100 } as const;
  const alone = { ...stream, replicas: 1, copies: [], isClustered: false };
  it.each<[string, Partial<NatsFacts>]>([
    ["nats/version", { version: "2.8.4", stream: alone, cluster: "", wantedReplicas: 1 }],
    ["nats/replicated-version", { version: "2.9.10" }],
    ["nats/replicated-version", { version: "2.10.21" }],
    ["nats/jetstream-off", { jetStream: { kind: "off", why: "x" } }],
    ["nats/rights", { jetStream: { kind: "refused", why: "x" } }],
    ["nats/max-payload", { maxPayloadBytes: 65_536 }],
    ["nats/account-full", { jetStream: { kind: "on", usage: [{ ...disk, used: 100 }] } }],
    ["nats/account-nearly-full", { jetStream: { kind: "on", usage: [{ ...disk, used: 90 }] } }],
    ["nats/no-stream", { stream: undefined }],
    ["nats/replicas-differ", { wantedReplicas: 5 }],
    ["nats/one-copy", { stream: { ...stream, replicas: 1 }, wantedReplicas: undefined }],
    ["nats/memory-storage", { stream: { ...stream, storage: "memory" } }],
    ["nats/no-leader", { stream: { ...stream, leader: undefined } }],
    [
      "nats/replica-lags",
      { stream: { ...stream, copies: [{ name: "n2", isCurrent: true, isOffline: true }] } },
    ],
  ])("%s is found, and nothing else", (id, change) => {
    expect(ofNats(change)).toEqual([id]);
  });

  it("one copy is exact on any version", () => {
    const old = { version: "2.9.10", cluster: "", wantedReplicas: 1, stream: alone };
    expect(ofNats(old)).toEqual([]);
  });

  it("the stream is looked for by the name that the engine gives it", () => {
    expect(streamNameOf("team/shop")).toBe("QUORATE_team=2Fshop");
  });
});

describe("of the link, the clocks and this machine", () => {
  it.each<[string, Partial<CommonFacts>]>([
    ["link/slow", { tripsMs: [60, 61, 62] }],
    ["link/too-slow", { tripsMs: [1, 2, 1_600] }],
    ["link/too-slow", { tripsMs: [1, 2, 40], ttlMs: 300 }],
    ["clock/offset", { clock: { offsetMs: -1_200, errorMs: 100 } }],
    ["node/busy", { timersLateMs: 250 }],
    ["node/version", { nodeVersion: "18.20.4" }],
  ])("%s is found, and nothing else", (id, change) => {
    expect(ofCommon(change)).toEqual([id]);
  });

  it("an offset that the network may have made is not found", () => {
    expect(ofCommon({ clock: { offsetMs: 1_200, errorMs: 400 } })).toEqual([]);
    expect(ofCommon({ clock: undefined, tripsMs: [] })).toEqual([]);
  });
});

describe("of a rehearsal", () => {
  const rehearsed = (code: string, message = "x", feature?: string): readonly string[] =>
    idsOf({
      kind: "nats",
      common,
      nats,
      rehearsal: { kind: "failed", code, feature, message },
    });
  it.each([
    ["nats/stream-config", ["UNSUPPORTED", "x", "stream configuration"]],
    ["store/refused", ["UNSUPPORTED", "x", "something new"]],
    ["store/foreign-record", ["RECORD_INVALID"]],
    ["nats/rights", ["STORE_REFUSED", "Permissions Violation"]],
    ["store/refused", ["STORE_REFUSED", "no"]],
    ["store/refused", ["TIMEOUT"]],
  ] as const)("%s comes of %j", (id, [code, message, feature]) => {
    expect(rehearsed(code, message, feature)).toEqual([id]);
  });
});

describe("the report", () => {
  const findings = diagnose({
    kind: "redis",
    common: { ...common, timersLateMs: 500 },
    redis: {
      ...redis,
      evictionPolicy: "allkeys-lru",
      config: { ...config, appendFsync: "everysec" },
    },
    rehearsal: { kind: "skipped" },
  });

  it("has the worst first, whatever was looked at first", () => {
    expect(findings.map(({ severity }) => severity)).toEqual(["wrong", "risk", "note"]);
  });

  it("says of each what was found, what it means, the cure, and where there is more", () => {
    const text = reportOf([], findings);
    for (const { cure, found, id, means } of findings) {
      for (const part of [id, found, means, cure]) expect(text).toContain(part);
    }
    expect(text).toContain("docs/doctor.md#rediseviction");
    expect(text).toMatch(/1 wrong, 1 risky/);
  });

  it("counts no note as wrong", () => {
    expect(reportOf([], findings.slice(2))).toContain("all is well");
  });
});

describe("every entry of the catalogue", () => {
  it.each(Object.entries(CATALOGUE))("%s is one line each", (_, { cure, means }) => {
    for (const text of [cure, means]) expect(text).toMatch(/^[^\n]{10,110}$/);
  });
});

describe("what a redis says", () => {
  it("is read into facts, replicas too", () => {
    const info =
      "# Server\r\nredis_version:7.2.4\r\nredis_mode:standalone\r\nrole:master\r\n" +
      "connected_clients:3\r\nmaxclients:100\r\nmaxmemory:5\r\nused_memory:4\r\n" +
      "maxmemory_policy:noeviction\r\naof_enabled:1\r\nrdb_last_bgsave_status:err\r\n" +
      "slave0:ip=10.0.0.2,port=6379,state=online,offset=14,lag=2\r\n";
    expect(factsOf(info, undefined)).toMatchObject({
      version: "7.2.4",
      isAppendOnly: true,
      lastSaveOk: false,
      maxClients: 100,
      replicas: [{ address: "10.0.0.2:6379", state: "online", lagMs: 2_000 }],
    });
    expect(factsOf("", undefined)).toMatchObject({ version: "unknown", maxClients: undefined });
  });
});

describe("versions", () => {
  it.each([
    ["7.0.15", [7, 0], true],
    ["6.2.14", [7, 0], false],
    ["v20.19.0", [20, 19], true],
    ["2.10.23-RC.1", [2, 10, 23], true],
    ["2.9", [2, 9, 21], false],
    ["unknown", [7, 0], true],
  ] as const)("%s against %j", (version, than, expected) => {
    expect(isAtLeast(version, than)).toBe(expected);
  });
});

it("percentiles are of what was measured", () => {
  expect([percentile([1, 2, 3], 50), percentile([1, 2, 3], 99), percentile([], 50)]).toEqual([
    2, 3, 0,
  ]);
});
