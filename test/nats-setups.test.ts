/**
 * Servers, accounts and streams that will do, and those that will not: told on first use, with
 * the cure.
 */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { type Backend, isQuorateError, type QuorateError } from "@quorate/core";
import { natsBackend, type NatsBackendOptions } from "@quorate/nats";
import { connect } from "nats";
import { startNats } from "../scripts/servers/index.mjs";
import type { ServerProcess } from "../scripts/servers/types.ts";
import {
  askApi,
  connectTo,
  freshNamespace,
  type NatsClient,
  type OwnConnection,
} from "./support/nats-client.ts";

const NEW_CLIENT: NatsClient = "@nats-io/transport-node";
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

let server: ServerProcess;
let connection: OwnConnection;
const opened: Backend[] = [];

function open(options: NatsBackendOptions = {}, over = connection): Backend {
  const backend = natsBackend(over, { namespace: freshNamespace(), ...options });
  opened.push(backend);
  return backend;
}

async function failureOf(call: Promise<unknown>): Promise<QuorateError> {
  const error: unknown = await call.then(
    () => expect.fail("should have failed"),
    (reason: unknown) => reason,
  );
  if (!isQuorateError(error)) throw error;
  return error;
}

beforeAll(async () => {
  server = await startNats({ version: "2.15" });
  connection = await connectTo(NEW_CLIENT, server.url);
});

afterAll(async () => {
  await Promise.all(opened.map((backend) => backend.close({ graceMs: 0 })));
  await connection.close();
  await server.stop();
});

describe("the stream", () => {
  it("is made on first use as it must be, and found again by the next", async () => {
    const namespace = freshNamespace();
    await open({ namespace }).kv.put("k", "v");
    const info = await askApi(connection, `STREAM.INFO.QUORATE_${namespace}`);
    expect(info["config"]).toMatchObject({
      subjects: [`${namespace}.kv.>`, `${namespace}.l.>`, `${namespace}.t`],
      max_msgs_per_subject: 1,
      discard: "new",
      allow_direct: false,
      allow_msg_ttl: true,
      num_replicas: 1,
    });
    expect(text((await open({ namespace }).kv.get("k"))?.value)).toBe("v");
  });

  it("of somebody else under our name is refused, every fault named, and left alone", async () => {
    const namespace = freshNamespace();
    const config = {
      name: `QUORATE_${namespace}`,
      subjects: [`${namespace}.kv.>`],
      max_age: 60_000_000_000,
      max_msgs_per_subject: 5,
    };
    await askApi(connection, `STREAM.CREATE.${config.name}`, config);
    const error = await failureOf(open({ namespace }).kv.get("k"));
    expect(error).toMatchObject({ code: "UNSUPPORTED", effect: "none" });
    expect(error.message).toMatch(/\.l\.>.*max_msgs_per_subject must be 1.*max_age must be 0/);
    const after = await askApi(connection, `STREAM.INFO.${config.name}`);
    expect(after["config"]).toMatchObject({ max_msgs_per_subject: 5 });
  });

  it("that exists with other replicas or storage than asked for is refused", async () => {
    const namespace = freshNamespace();
    await open({ namespace, storage: "memory" }).ready();
    const error = await failureOf(open({ namespace, storage: "file", replicas: 3 }).ready());
    expect(error.message).toMatch(/replicas is 1, options say 3; storage is memory/);
    await expect(open({ namespace }).ready()).resolves.toBeUndefined();
  });

  it("cannot be made where another one takes its subjects", async () => {
    const namespace = freshNamespace();
    const config = { name: `OTHER_${namespace}`, subjects: [`${namespace}.>`] };
    await askApi(connection, `STREAM.CREATE.${config.name}`, config);
    const error = await failureOf(open({ namespace }).ready());
    expect(error).toMatchObject({ code: "UNSUPPORTED", details: { feature: "subjects" } });
  });

  it("has per-message TTL as a broom on a new server, long after the entry's own end", async () => {
    const namespace = freshNamespace();
    const backend = open({ namespace });
    await backend.kv.put("brief", "x", { ttlMs: 2_500 });
    const answer = await askApi(connection, `STREAM.MSG.GET.QUORATE_${namespace}`, {
      last_by_subj: `${namespace}.kv.brief`,
    });
    const { hdrs } = answer["message"] as { hdrs: string };
    const headers = Buffer.from(hdrs, "base64").toString();
    expect(headers).toContain("Q-Ttl: 2500\r\n");
    expect(headers).toContain("Nats-TTL: 65s\r\n");
  });
});

describe("what the backend says of itself", () => {
  it("takes values up to its bound, and refuses one byte more before sending", async () => {
    const backend = open();
    await backend.ready();
    const { maxValueBytes } = backend.capabilities;
    expect(maxValueBytes).toBe(512 * 1024);
    const value = new Uint8Array(maxValueBytes).fill(7);
    await backend.kv.put("big", value);
    expect((await backend.kv.get("big"))?.value.byteLength).toBe(maxValueBytes);
    const error = await failureOf(backend.kv.put("big", new Uint8Array(maxValueBytes + 1)));
    expect(error).toMatchObject({ code: "TOO_LARGE", effect: "none" });
  });

  it("warns of a client that gives up or asks too seldom, each with its cure", async () => {
    const timid = await connect({ servers: server.url });
    const health = await open({}, timid).health();
    expect(health.ok).toBe(true);
    expect(health.server).toBe(`nats-server ${server.version}`);
    expect(health.roundTripMs).toBeGreaterThan(0);
    const warnings = health.warnings.join("\n");
    expect(warnings).toContain("gives up after 10 attempts");
    expect(warnings).toContain("maxReconnectAttempts: -1");
    expect(warnings).toContain("pingInterval");
    expect(warnings).toContain("sync_interval");
    await timid.close();
  });

  it("says that a client closed for ever is closed for ever", async () => {
    const closed = await connectTo(NEW_CLIENT, server.url);
    const backend = open({}, closed);
    await backend.ready();
    await closed.close();
    const error = await failureOf(backend.kv.put("k", "v"));
    expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", effect: "none", retryable: false });
    expect(error.message).toContain("maxReconnectAttempts: -1");
    expect((await backend.health()).ok).toBe(false);
  });

  it("refuses calls after close, and leaves the user's connection open", async () => {
    const backend = open();
    await backend.kv.put("k", "v");
    const waiting = backend.kv.watch("k");
    await backend.close();
    expect((await failureOf(backend.kv.get("k"))).code).toBe("CLOSED");
    expect((await failureOf(backend.bus.publish("s", new Uint8Array(0)))).code).toBe("CLOSED");
    for await (const change of waiting) expect(change.kind).not.toBe("delete");
    expect(connection.isClosed()).toBe(false);
  });
});

describe("rights", () => {
  const config = `
    accounts {
      A {
        jetstream: enabled
        users: [
          { user: "reader", password: "s3cret-r", permissions: {
              publish: ["$JS.API.>"], subscribe: [">"] } }
          { user: "stranger", password: "s3cret-s", permissions: {
              publish: ["nothing"], subscribe: ["nothing"] } }
        ]
      }
      B { users: [{ user: "plain", password: "s3cret-p" }, { user: "guest" , password: "" }] }
    }
    no_auth_user: guest`;

  it.each(["nats", NEW_CLIENT] as const)("that are missing are named (%s)", async (client) => {
    const guarded = await startNats({ version: "2.15", config });
    const as = (user: string, letter: string): Promise<OwnConnection> =>
      connectTo(client, guarded.url, { user, pass: `s3cret-${letter}` });
    const [reader, stranger, plain] = [
      await as("reader", "r"),
      await as("stranger", "s"),
      await as("plain", "p"),
    ];
    const noWrite = await failureOf(open({}, reader).kv.put("k", "v"));
    expect(noWrite.message).toContain("STORE_REFUSED");
    expect(noWrite).toMatchObject({ code: "STORE_REFUSED", effect: "none" });
    expect(noWrite.message).toContain("no permission for publish of");
    const noApi = await failureOf(open({}, stranger).kv.get("k"));
    expect(noApi.code).toBe("STORE_REFUSED");
    const noSubscribe = await failureOf(open({}, stranger).bus.subscribe("s", () => {}));
    expect(noSubscribe.code).toBe("STORE_REFUSED");
    const noJetStream = await failureOf(open({}, plain).ready());
    expect(noJetStream).toMatchObject({ code: "UNSUPPORTED" });
    for (const error of [noWrite, noApi, noSubscribe, noJetStream]) {
      expect(JSON.stringify([error.message, error.details, error.cause])).not.toContain("s3cret");
    }
    await Promise.all([reader, stranger, plain].map((one) => one.close()));
    await guarded.stop();
  });

  it("without JetStream on the server are refused with the cure", async () => {
    const bare = await startNats({ version: "2.15", config: "jetstream: disabled" });
    const link = await connectTo("nats", bare.url);
    const error = await failureOf(open({}, link).ready());
    expect(error).toMatchObject({ code: "UNSUPPORTED", details: { feature: "jetstream" } });
    expect(error.message).toContain("jetstream {}");
    await link.close();
    await bare.stop();
  });
});

describe("time", () => {
  it("a stream in memory is lost with its server; tokens and revisions still grow", async () => {
    const mortal = await startNats({ version: "2.9" });
    const link = await connectTo("nats", mortal.url);
    const backend = open({ storage: "memory", requestTimeoutMs: 5_000 }, link);
    const before = await backend.kv.put("k", "v");
    const grant = await backend.leases.acquire("l", { owner: "a", ttlMs: 60_000 });
    await mortal.restart();
    expect(await backend.kv.get("k", { timeoutMs: 10_000 })).toBeUndefined();
    const after = await backend.kv.put("k", "w", { timeoutMs: 10_000 });
    const next = await backend.leases.acquire("l", { owner: "b", ttlMs: 60_000 });
    expect(before.ok && after.ok && after.entry.revision > before.entry.revision).toBe(true);
    expect(grant.granted && next.granted && next.fencingToken > grant.fencingToken).toBe(true);
    await link.close();
    await mortal.stop();
  });

  it("that runs backwards (a restored backup) is told as a reset", async () => {
    const restored = await startNats({ version: "2.15" });
    const link = await connectTo("nats", restored.url);
    const backend = open({ requestTimeoutMs: 5_000 }, link);
    await backend.kv.put("k", "kept");
    const store = join(restored.dir, "store");
    const backup = join(restored.dir, "backup");
    await restored.kill();
    cpSync(store, backup, { recursive: true });
    await restored.restart();
    for (let index = 0; index < 20; index++) await backend.kv.put("k", `${index}`);
    await restored.kill();
    rmSync(store, { recursive: true });
    cpSync(backup, store, { recursive: true });
    await restored.restart();
    const error = await failureOf(backend.kv.put("other", "x", { timeoutMs: 10_000 }));
    expect(error).toMatchObject({ code: "REVISION_RESET", effect: "unknown" });
    // Told once; the store as it is serves on.
    expect((await backend.kv.put("other", "y")).ok).toBe(true);
    await link.close();
    await restored.stop();
  });
});

describe("hostile names", () => {
  it("reach no subject outside their namespace, whatever they are", async () => {
    const seen: string[] = [];
    const spy = await connectTo("nats", server.url);
    spy.subscribe(">", { callback: (_error, message) => void seen.push(message.subject) });
    await spy.flush();
    const namespaces = ["a", "a/kv", "*", ">", "a.kv", "$JS.API", "ü b"].map(
      (name) => `${freshNamespace()}${name}`,
    );
    const names = ["*", ">", "a.b", "a.>", "$SYS", "x y", "=2F", "..", "$JS.API.STREAM.DELETE.x"];
    for (const namespace of namespaces) {
      const backend = open({ namespace });
      for (const name of names) {
        await backend.kv.put(`c/${name}`, namespace);
        await backend.kv.put(name, namespace);
        await backend.bus.publish(name, new Uint8Array(1));
        await backend.bus.request(name, new Uint8Array(1), { timeoutMs: 20 }).catch(() => {});
      }
      await backend.leases.acquire("*", { owner: ">", ttlMs: 60_000 });
    }
    // And each sees its own alone.
    for (const namespace of namespaces) {
      const backend = open({ namespace });
      const found: string[] = [];
      for await (const entry of backend.kv.list("c")) {
        expect(text(entry.value)).toBe(namespace);
        found.push(entry.key);
      }
      expect(found.sort()).toEqual(names.map((name) => `c/${name}`).sort());
    }
    await spy.flush();
    const tokens = namespaces.map((name) => name.slice(0, 25));
    const foreign = seen.filter(
      (subject) =>
        !tokens.some((token) => subject.startsWith(token)) &&
        !/^\$JS\.(?:API|EVENT|ACK|FC)\.|^_INBOX\./.test(subject),
    );
    expect(seen.length).toBeGreaterThan(names.length * namespaces.length);
    expect(foreign).toEqual([]);
    expect(seen.filter((subject) => /[*>\s]/.test(subject))).toEqual([]);
    await spy.close();
  });

  it("cannot make a responder answer into a subject of somebody else", async () => {
    const namespace = freshNamespace();
    const backend = open({ namespace });
    const got: boolean[] = [];
    await backend.bus.subscribe("ask", async (message) => {
      got.push(message.respond !== undefined);
      await message.respond?.(new Uint8Array(1));
    });
    const seen: string[] = [];
    const spy = await connectTo("nats", server.url);
    const victims = [`${namespace}.kv.victim`, "other.subject", `${namespace}.i.x.y`];
    for (const subject of victims) {
      spy.subscribe(subject, { callback: () => void seen.push(subject) });
      spy.publish(`${namespace}.b.ask`, new Uint8Array(1), { reply: subject });
    }
    await spy.flush();
    await expect.poll(() => got.length).toBe(3);
    await spy.flush();
    expect(got).toEqual([false, false, false]);
    expect(seen).toEqual([]);
    await spy.close();
  });
});
