/**
 * Servers and clients that cannot be served: refused by name, with the cure, before any harm.
 */
import { isQuorateError, type QuorateError } from "@quorate/core";
import { redisBackend, type RedisLike } from "@quorate/redis";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { needs } from "../scripts/servers/index.mjs";
import { granted, Rig } from "./redis/rig.ts";

const redis = needs("redis");
const PASSWORD = "swordfish-7";

async function errorOf(work: () => unknown): Promise<QuorateError> {
  const error: unknown = await Promise.resolve()
    .then(work)
    .then(
      () => new Error("was not refused"),
      (reason: unknown) => reason,
    );
  if (!isQuorateError(error)) throw error;
  return error;
}

/** A client that answers what a server of that `INFO` would. */
function clientOf(info: string): RedisLike {
  const client: RedisLike = {
    status: "ready",
    isCluster: false,
    options: { host: "old.example", port: 6379 },
    evalsha: async () => "1795252092381573",
    eval: async () => "",
    call: async () => info,
    callBuffer: async () => "",
    connect: async () => undefined,
    on: () => client,
    removeListener: () => client,
    duplicate: () => {
      throw new Error("not needed");
    },
  };
  return client;
}

describe.skipIf(redis.skip)(`redis refusals${redis.reason}`, () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.start();
    await rig.admin.config("SET", "requirepass", PASSWORD);
    await rig.admin.auth(PASSWORD);
  });
  afterEach(() => rig.clear());
  afterAll(() => rig.stop());

  it("no password, or a wrong one, is STORE_REFUSED at once", async () => {
    for (const password of [undefined, "wrong-password-9"]) {
      const backend = rig.open({}, password === undefined ? {} : { password });
      const startMs = performance.now();
      const error = await errorOf(() => backend.leases.acquire("l", { owner: "o", ttlMs: 1_000 }));
      expect(error.code).toBe("STORE_REFUSED");
      expect(error.effect).toBe("none");
      expect(performance.now() - startMs).toBeLessThan(1_500);
      expect(JSON.stringify(error) + error.message + String(error.cause)).not.toContain(
        "wrong-password-9",
      );
    }
  });

  it("missing rights are STORE_REFUSED, with the cure", async () => {
    await rig.admin.call("ACL", "SETUSER", "weak", "on", ">pw", "~*", "&*", "+@all", "-hset");
    const backend = rig.open({}, { username: "weak", password: "pw" });
    const error = await errorOf(() => backend.leases.acquire("l", { owner: "o", ttlMs: 1_000 }));
    expect(error.code).toBe("STORE_REFUSED");
    expect(error.message).toContain("rights");
  });

  it("a user with rights to the namespace alone is enough", async () => {
    const rights = ["~{mine/*", "&{mine/*", "+@all", "-@dangerous", "+info"];
    await rig.admin.call("ACL", "SETUSER", "tenant", "on", ">pw", "resetchannels", ...rights);
    const login = { username: "tenant", password: "pw" };
    const backend = rig.open({ namespace: "mine" }, login);
    const grant = granted(await backend.leases.acquire("l", { owner: "o", ttlMs: 1_000 }));
    expect(await backend.leases.release(grant)).toBe("released");
    const other = rig.open({ namespace: "yours" }, login);
    const error = await errorOf(() => other.kv.put("k", "v"));
    expect(error.code).toBe("STORE_REFUSED");
  });

  it("a server that is down is STORE_UNAVAILABLE by address, without password", async () => {
    const client = new Redis(`redis://user:${PASSWORD}@127.0.0.1:1`, { retryStrategy: () => 50 });
    client.on("error", () => {});
    const backend = redisBackend(client, { requestTimeoutMs: 300 });
    const error = await errorOf(() => backend.kv.put("k", "v"));
    expect(error.code).toBe("STORE_UNAVAILABLE");
    expect(error.effect).toBe("none");
    expect(error.message).toContain("127.0.0.1:1");
    expect(error.message + String(error.cause)).not.toContain(PASSWORD);
    await backend.close();
    client.disconnect();
  });

  it("a lazy client is connected by the first call, and left open by close", async () => {
    const client = rig.client({ lazyConnect: true, password: PASSWORD });
    const backend = redisBackend(client, { namespace: "test" });
    expect((await backend.kv.put("k", "v")).ok).toBe(true);
    await backend.close();
    expect(client.status).toBe("ready");
  });

  it("a client that was closed says so at once", async () => {
    const client = rig.client({ password: PASSWORD });
    const backend = redisBackend(client, { namespace: "test" });
    await backend.ready();
    await client.quit();
    const error = await errorOf(() => backend.kv.get("k"));
    expect(error.code).toBe("STORE_UNAVAILABLE");
    await backend.close();
  });

  it("keyPrefix is refused by name", () => {
    const client = new Redis({ lazyConnect: true, keyPrefix: "app:" });
    expect(() => redisBackend(client)).toThrow(/keyPrefix.*namespace/);
  });

  it("reads from replicas are refused by name", () => {
    const client = new Redis.Cluster([], { lazyConnect: true, scaleReads: "slave" });
    expect(() => redisBackend(client)).toThrow(/scaleReads/);
  });

  it("what is no client, and an option that is none, are refused", () => {
    expect(() => redisBackend({} as never)).toThrow(/ioredis/);
    const client = new Redis({ lazyConnect: true });
    expect(() => redisBackend(client, { namespce: "x" } as never)).toThrow(/namespce/);
    expect(() => redisBackend(client, { partitions: 0 })).toThrow(/partitions/);
  });

  it("scripts keep out of the client's automatic pipelines", async () => {
    const client = rig.client({ password: PASSWORD, enableAutoPipelining: true });
    const backend = redisBackend(client, { namespace: "test" });
    await backend.kv.put("k", "v");
    expect(client.options.autoPipeliningIgnoredCommands).toContain("evalsha");
    await backend.close();
  });

  it("an eviction policy that may drop locks is refused, unless allowed", async () => {
    await rig.admin.config("SET", "maxmemory", "100mb");
    await rig.admin.config("SET", "maxmemory-policy", "allkeys-lru");
    try {
      const login = { password: PASSWORD };
      const error = await errorOf(() => rig.open({}, login).ready());
      expect(error.code).toBe("UNSUPPORTED");
      expect(error.message).toContain("noeviction");
      const lenient = rig.open({ allowEviction: true }, login);
      await lenient.ready();
      const { ok, warnings } = await lenient.health();
      expect(ok).toBe(true);
      expect(warnings.join()).toContain("allkeys-lru");
    } finally {
      await rig.admin.config("SET", "maxmemory", "0");
    }
  });

  it("out of memory is STORE_REFUSED: nothing was done", async () => {
    const backend = rig.open({}, { password: PASSWORD });
    await backend.ready();
    await rig.admin.config("SET", "maxmemory-policy", "noeviction");
    await rig.admin.config("SET", "maxmemory", "1mb");
    try {
      const error = await errorOf(() => backend.leases.acquire("l", { owner: "o", ttlMs: 1_000 }));
      expect([error.code, error.effect]).toEqual(["STORE_REFUSED", "none"]);
      expect(error.message).toContain("OOM");
    } finally {
      await rig.admin.config("SET", "maxmemory", "0");
    }
    expect((await backend.leases.inspect("l")).holders).toEqual([]);
  });

  it("a request whose answer cannot be listened for is not sent, and says so", async () => {
    const backend = rig.open({}, { password: PASSWORD });
    await backend.ready();
    const [, most = ""] = await rig.admin.config("GET", "maxclients");
    await rig.admin.config("SET", "maxclients", "1");
    try {
      const request = (): Promise<unknown> =>
        backend.bus.request("s", new Uint8Array(), { timeoutMs: 150 });
      const error = await errorOf(request);
      expect([error.code, error.effect]).toEqual(["TIMEOUT", "none"]);
    } finally {
      await rig.admin.config("SET", "maxclients", most);
    }
  });

  it("a key of another type in our place is RECORD_INVALID, and left alone", async () => {
    const backend = rig.open({ namespace: "foreign" }, { password: PASSWORD });
    await rig.admin.set("{foreign/0}l", "not ours");
    const error = await errorOf(() => backend.leases.acquire("l", { owner: "o", ttlMs: 1_000 }));
    expect(error.code).toBe("RECORD_INVALID");
    expect(await rig.admin.get("{foreign/0}l")).toBe("not ours");
  });

  it("a server older than 7.0 is refused with both versions", async () => {
    const backend = redisBackend(clientOf("redis_version:6.2.14\r\nrole:master\r\n"));
    const error = await errorOf(() => backend.ready());
    expect(error.code).toBe("UNSUPPORTED");
    expect(error.message).toMatch(/6\.2\.14.*old\.example.*7\.0/);
  });
});
