/**
 * The judgement: facts in, findings out, the worst first. Pure.
 */
import type { Ms } from "@quorate/core";
import { type Finding, finding, type FindingId, inOrder } from "./catalogue.ts";
import type { CommonFacts, Examination, Rehearsal } from "./facts.ts";
import { judgeNats } from "./judge-nats.ts";
import { judgeRedis } from "./judge-redis.ts";
import { isAtLeast } from "./version.ts";

const OLDEST_NODE = [20, 19] as const;
/** Beyond it every lock costs more than people expect. */
const SLOW_MS = 50;
/** Renewals begin at a third of a lease: one that takes a tenth has room for two more tries. */
const TRIPS_PER_LEASE = 10;
/** A wall clock that is further off makes cron judge ticks early or late. */
const MOST_OFFSET_MS = 1_000;
const MOST_LATE_MS = 100;

/** What is wrong, risky, or good to know. */
export function diagnose(examination: Examination): readonly Finding[] {
  switch (examination.kind) {
    case "unreachable":
      return [finding("store/unreachable", examination.reason)];
    case "locked-out":
      return [finding(`${examination.engine}/auth`, examination.reason)];
    case "memory":
      return inOrder([
        finding("memory/one-process", "the engine is memory"),
        ...judgeCommon(examination.common),
      ]);
    case "redis":
      return inOrder([
        ...judgeRedis(examination.redis),
        ...judgeCommon(examination.common),
        ...judgeRehearsal("redis", examination.rehearsal),
      ]);
    case "nats":
      return inOrder([
        ...judgeNats(examination.nats),
        ...judgeCommon(examination.common),
        ...judgeRehearsal("nats", examination.rehearsal),
      ]);
  }
}

function judgeCommon(facts: CommonFacts): Finding[] {
  const { clock, nodeVersion, timersLateMs, tripsMs, ttlMs } = facts;
  const found: Finding[] = [];
  const typicalMs = percentile(tripsMs, 50);
  const worstMs = percentile(tripsMs, 99);
  if (worstMs * TRIPS_PER_LEASE > ttlMs) {
    found.push(
      finding("link/too-slow", `round trip p99 ${ms(worstMs)}, and a lease lasts ${ms(ttlMs)}`),
    );
  } else if (typicalMs > SLOW_MS) {
    found.push(finding("link/slow", `round trip p50 ${ms(typicalMs)}, p99 ${ms(worstMs)}`));
  }
  // Only what is surely off: half the round trip that asked may be the network's.
  if (clock !== undefined && Math.abs(clock.offsetMs) - clock.errorMs > MOST_OFFSET_MS) {
    const how = clock.offsetMs > 0 ? "ahead of" : "behind";
    const offMs = Math.abs(clock.offsetMs);
    found.push(
      finding(
        "clock/offset",
        `this clock is ${ms(offMs)} ${how} the server's, ±${ms(clock.errorMs)}`,
      ),
    );
  }
  if (timersLateMs > MOST_LATE_MS) {
    found.push(finding("node/busy", `timers came ${ms(timersLateMs)} late while it was asked`));
  }
  if (!isAtLeast(nodeVersion, OLDEST_NODE)) {
    found.push(finding("node/version", `this is Node.js ${nodeVersion}`));
  }
  return found;
}

const BY_FEATURE: Readonly<Record<string, FindingId>> = {
  "stream configuration": "nats/stream-config",
  "server version": "nats/version",
  replicas: "nats/replicated-version",
  "redis version": "redis/version",
  eviction: "redis/eviction",
};

function judgeRehearsal(engine: "redis" | "nats", rehearsal: Rehearsal): Finding[] {
  if (rehearsal.kind !== "failed") return [];
  const { code, feature = "", message } = rehearsal;
  const isRefused = code === "STORE_REFUSED";
  if (code === "UNSUPPORTED") return [finding(BY_FEATURE[feature] ?? "store/refused", message)];
  if (code === "RECORD_INVALID") return [finding("store/foreign-record", message)];
  if (isRefused && /NOPERM|ermission/.test(message)) return [finding(`${engine}/rights`, message)];
  if (isRefused && /OOM/.test(message)) return [finding("redis/memory-full", message)];
  if (isRefused && /NOREPLICAS/.test(message)) return [finding("redis/too-few-replicas", message)];
  return [finding("store/refused", `${code}: ${message}`)];
}

/** Of `sorted`, the value below which `percent` of them are; 0 of none. */
export function percentile(sorted: readonly Ms[], percent: number): Ms {
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0;
}

function ms(duration: Ms): string {
  return `${duration < 10 ? duration.toFixed(2) : Math.round(duration)} ms`;
}
