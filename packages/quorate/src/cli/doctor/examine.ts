/**
 * The examination: opens the store, asks it, tries it out, and closes it again.
 *
 * A lock is tried out only where nothing wrong was found before, and, on NATS, only where the
 * namespace's stream is there already: to look must not be what makes it.
 */
import { isQuorateError, type Ms, scrub, systemRuntime, withDeadline } from "@quorate/core";
import { type OpenEngine, openEngine } from "../../engines.ts";
import type { Target } from "../command.ts";
import type { CommonFacts, Examination, Rehearsal } from "./facts.ts";
import { diagnose } from "./judge.ts";
import { type Asking, probeCommon, rehearse } from "./probe-common.ts";
import { type NatsClient, natsTime, probeNats } from "./probe-nats.ts";
import { probeRedis, reachRedis, type RedisClient, redisTime } from "./probe-redis.ts";

const NO_ANSWER_MS = 5_000;
const WHOLE_MS = 30_000;
const LOCKED_OUT = /authori[sz]ation|authentication/i;
const SKIPPED: Rehearsal = { kind: "skipped" };

/** What is to be examined, and for whom. */
export interface Patient {
  readonly target: Target;
  /** How long the leases of the service last. */
  readonly ttlMs: Ms;
  /** Copies of its stream that the service asks for. */
  readonly wantedReplicas: number | undefined;
  readonly signal: AbortSignal;
}

/**
 * Everything that can be found out.
 *
 * @throws INVALID_ARGUMENT, UNSUPPORTED the URL, or a package that is not installed.
 */
export async function examine(patient: Patient): Promise<Examination> {
  const { target, signal } = patient;
  const { namespace, url } = target;
  const asking: Asking = { runtime: systemRuntime, timeoutMs: NO_ANSWER_MS, signal };
  let engine: OpenEngine;
  try {
    engine = await openEngine(url, {
      requestTimeoutMs: NO_ANSWER_MS,
      ...(namespace !== undefined && { namespace }),
    });
  } catch (error) {
    if (isQuorateError(error, "STORE_UNAVAILABLE")) return notOpened(error);
    throw error;
  }
  try {
    return await withDeadline(asking.runtime, examineOpen(engine, patient, asking), {
      timeoutMs: WHOLE_MS,
      signal,
      onTimeout: () => new Error(`it stopped answering within ${WHOLE_MS} ms`),
    });
  } catch (error) {
    signal.throwIfAborted();
    // Clients throw what they like when their link goes: it was there, and is no more.
    const reason = scrub(error instanceof Error ? error.message : String(error));
    return { kind: "unreachable", engine: engine.backend.name, reason };
  } finally {
    await engine.close();
  }
}

async function examineOpen(
  engine: OpenEngine,
  patient: Patient,
  asking: Asking,
): Promise<Examination> {
  const { native } = engine;
  switch (native?.engine) {
    case "redis":
      return examineRedis(engine, native.client, patient, asking);
    case "nats":
      return examineNats(engine, native.client, patient, asking);
    case undefined:
      return { kind: "memory", common: await probeCommon(asking, { ttlMs: patient.ttlMs }) };
  }
}

/** NATS says at once whether it lets us in. */
function notOpened(error: Error): Examination {
  const reason = scrub(`${error.message}; ${(error.cause as Error | undefined)?.message ?? ""}`);
  return LOCKED_OUT.test(reason)
    ? { kind: "locked-out", engine: "nats", reason }
    : { kind: "unreachable", engine: "nats", reason };
}

async function examineRedis(
  engine: OpenEngine,
  client: RedisClient,
  { ttlMs }: Patient,
  asking: Asking,
): Promise<Examination> {
  const reached = await reachRedis(client, asking);
  if (reached.kind !== "ready") {
    return { kind: reached.kind, engine: "redis", reason: reached.reason };
  }
  const redis = await probeRedis(client);
  const common = await probeCommon(asking, {
    ttlMs,
    // A refusal is a round trip too.
    ping: () => client.ping().catch(() => {}),
    serverMs: () => redisTime(client),
  });
  const seen = { kind: "redis", common, redis, rehearsal: SKIPPED } as const;
  return isFit(seen) ? { ...seen, rehearsal: await rehearse(engine.backend) } : seen;
}

async function examineNats(
  engine: OpenEngine,
  client: NatsClient,
  { target, ttlMs, wantedReplicas }: Patient,
  asking: Asking,
): Promise<Examination> {
  const namespace = target.namespace ?? "quorate";
  const nats = await probeNats(client, { namespace, wantedReplicas }, asking);
  const isMade = nats.stream !== undefined;
  const common: CommonFacts = await probeCommon(asking, {
    ttlMs,
    ping: () => client.flush(),
    ...(isMade && { serverMs: () => natsTime(client, nats.streamName, asking) }),
  });
  const seen = { kind: "nats", common, nats, rehearsal: SKIPPED } as const;
  return isMade && isFit(seen) ? { ...seen, rehearsal: await rehearse(engine.backend) } : seen;
}

function isFit(seen: Examination): boolean {
  return diagnose(seen).every(({ severity }) => severity !== "wrong");
}
