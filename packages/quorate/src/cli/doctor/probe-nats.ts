/**
 * What a NATS server, the account's JetStream and the namespace's stream tell of themselves.
 *
 * Nothing is made here: a stream that does not exist stays so, and its first user decides what it
 * will be.
 */
import { encodeName, type Json, type Ms, parseJson, scrub } from "@quorate/core";
import type { NativeClient } from "../../engines.ts";
import type { JetStreamFact, NatsFacts, NatsStream, NatsUsage } from "./facts.ts";
import type { Asking } from "./probe-common.ts";

/** The part of the client that is used. */
export type NatsClient = Extract<NativeClient, { engine: "nats" }>["client"];

type Fields = Readonly<Record<string, Json | undefined>>;
type Answer =
  | { readonly kind: "ok"; readonly body: Fields }
  | { readonly kind: "error"; readonly errCode: number; readonly text: string }
  | { readonly kind: "nobody" }
  | { readonly kind: "silent"; readonly why: string };

/** `err_code`s of nats-server: not enabled for the account, not enabled at all, no such stream. */
const NOT_ENABLED: ReadonlySet<number> = new Set([10_039, 10_076]);
const BOUNDS = { maxBytes: 1_048_576, maxDepth: 16, maxNodes: 20_000 };
const NOTHING = new Uint8Array(0);

/** Everything that it tells. */
export async function probeNats(
  client: NatsClient,
  about: { readonly namespace: string; readonly wantedReplicas: number | undefined },
  asking: Asking,
): Promise<NatsFacts> {
  const streamName = streamNameOf(about.namespace);
  const account = await ask(client, "$JS.API.INFO", asking.timeoutMs);
  const isOn = account.kind === "ok";
  const stream = isOn ? await streamOf(client, streamName, asking) : undefined;
  return {
    version: client.info?.version ?? "unknown",
    cluster: client.info?.cluster ?? "",
    maxPayloadBytes: client.info?.max_payload ?? 0,
    jetStream: jetStreamOf(account, stream),
    stream,
    streamName,
    wantedReplicas: about.wantedReplicas,
  };
}

/** As `natsBackend` names it. */
export function streamNameOf(namespace: string): string {
  return `QUORATE_${encodeName(namespace).replaceAll("/", "=2F")}`;
}

/** Servers from 2.10 on tell the time with a stream. */
export async function natsTime(
  client: NatsClient,
  streamName: string,
  asking: Asking,
): Promise<Ms | undefined> {
  const answer = await ask(client, `$JS.API.STREAM.INFO.${streamName}`, asking.timeoutMs);
  const stamp = answer.kind === "ok" ? text(answer.body["ts"]) : undefined;
  return stamp === undefined ? undefined : millisOf(stamp);
}

/** `Date` reads whole milliseconds of `2026-11-22T02:27:01.123456789Z`; a fraction is wanted. */
function millisOf(stamp: string): Ms | undefined {
  const [, whole = "", fraction = "0"] = /^(.+?)(?:\.(\d+))?Z$/.exec(stamp) ?? [];
  const seconds = Date.parse(`${whole}Z`);
  return Number.isNaN(seconds) ? undefined : seconds + Number(`0.${fraction}`) * 1_000;
}

function jetStreamOf(account: Answer, stream: NatsStream | undefined): JetStreamFact {
  switch (account.kind) {
    case "nobody":
      return { kind: "off", why: "nobody answers on $JS.API.INFO" };
    case "silent":
      return { kind: "refused", why: `$JS.API.INFO: ${account.why}` };
    case "error":
      return NOT_ENABLED.has(account.errCode)
        ? { kind: "off", why: account.text }
        : { kind: "refused", why: account.text };
    case "ok":
      return { kind: "on", usage: usageOf(account.body, stream?.storage === "memory") };
  }
}

function usageOf(body: Fields, isInMemory: boolean): readonly NatsUsage[] {
  const limits = fields(body["limits"]);
  const [space, most] = isInMemory ? ["memory", "max_memory"] : ["storage", "max_storage"];
  return [
    {
      what: isInMemory ? "bytes in memory" : "bytes on disk",
      used: count(body[space]) ?? 0,
      limit: limitOf(limits[most]),
    },
    {
      what: "streams",
      used: count(body["streams"]) ?? 0,
      limit: limitOf(limits["max_streams"]),
    },
  ];
}

async function streamOf(
  client: NatsClient,
  name: string,
  asking: Asking,
): Promise<NatsStream | undefined> {
  const answer = await ask(client, `$JS.API.STREAM.INFO.${name}`, asking.timeoutMs);
  if (answer.kind !== "ok") return undefined;
  const config = fields(answer.body["config"]);
  const cluster = fields(answer.body["cluster"]);
  const copies = Array.isArray(cluster["replicas"]) ? cluster["replicas"] : [];
  return {
    replicas: count(config["num_replicas"]) ?? 1,
    storage: text(config["storage"]) ?? "unknown",
    leader: text(cluster["leader"]),
    isClustered: (client.info?.cluster ?? "") !== "",
    copies: copies.map((copy) => {
      const { current, name: server, offline } = fields(copy);
      return {
        name: text(server) ?? "?",
        isCurrent: current === true,
        isOffline: offline === true,
      };
    }),
  };
}

async function ask(client: NatsClient, subject: string, timeoutMs: Ms): Promise<Answer> {
  try {
    const message = await client.request(subject, NOTHING, { timeout: timeoutMs });
    const read = parseJson(message.data, BOUNDS);
    const body = read.ok ? fields(read.value) : {};
    const error = fields(body["error"]);
    if (body["error"] === undefined) return { kind: "ok", body };
    return {
      kind: "error",
      errCode: count(error["err_code"]) ?? 0,
      text: text(error["description"]) ?? "an error without words",
    };
  } catch (error) {
    const why = scrub(error instanceof Error ? `${error.name} ${error.message}` : String(error));
    const code = String((error as { code?: unknown } | undefined)?.code);
    return /no ?responders/i.test(why) || code === "503"
      ? { kind: "nobody" }
      : { kind: "silent", why };
  }
}

function fields(value: Json | undefined): Fields {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as Fields) : {};
}

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function count(value: Json | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function limitOf(value: Json | undefined): number | undefined {
  const limit = count(value);
  return limit === undefined || limit < 0 ? undefined : limit;
}
