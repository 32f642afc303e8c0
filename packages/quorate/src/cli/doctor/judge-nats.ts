/**
 * What is wrong or risky about a NATS server, its account and the namespace's stream. Pure.
 */
import { type Finding, finding } from "./catalogue.ts";
import type { NatsFacts, NatsStream, NatsUsage } from "./facts.ts";
import { isAtLeast } from "./version.ts";

const OLDEST = [2, 9] as const;
const OLDEST_REPLICATED = [2, 9, 21] as const;
/** Versions between can lose a replicated stream. */
const LOSES_STREAMS = { from: [2, 10, 20], until: [2, 10, 23] } as const;
/** The longest value of the waist, and room for its headers. */
const WANTED_PAYLOAD = 512 * 1_024 + 1_024;
const NEARLY = 0.85;

/** Findings about a server. */
export function judgeNats(facts: NatsFacts): Finding[] {
  const { jetStream, maxPayloadBytes, version } = facts;
  const found: Finding[] = [];
  if (!isAtLeast(version, OLDEST)) {
    found.push(finding("nats/version", `this is nats-server ${version}`));
  }
  if (maxPayloadBytes < WANTED_PAYLOAD) {
    found.push(finding("nats/max-payload", `max_payload is ${maxPayloadBytes} bytes`));
  }
  if (jetStream.kind === "off") return [...found, finding("nats/jetstream-off", jetStream.why)];
  if (jetStream.kind === "refused") return [...found, finding("nats/rights", jetStream.why)];
  const isMade = facts.stream !== undefined;
  for (const usage of jetStream.usage) found.push(...judgeUsage(usage, isMade));
  return [...found, ...judgeStream(facts)];
}

function judgeUsage({ limit, used, what }: NatsUsage, isMade: boolean): Finding[] {
  if (limit === undefined || used < NEARLY * limit) return [];
  // Whoever has the stream already needs no other.
  if (what === "streams" && isMade) return [];
  const share = `${used} of ${limit} ${what} are used`;
  return [finding(used >= limit ? "nats/account-full" : "nats/account-nearly-full", share)];
}

function judgeStream(facts: NatsFacts): Finding[] {
  const { cluster, stream, streamName, version, wantedReplicas } = facts;
  const copies = stream?.replicas ?? wantedReplicas ?? 1;
  const found: Finding[] = copies > 1 ? judgeVersion(version, copies) : [];
  if (stream === undefined) {
    return [...found, finding("nats/no-stream", `there is no stream ${streamName}`)];
  }
  if (wantedReplicas !== undefined && wantedReplicas !== stream.replicas) {
    const asked = `${streamName} has ${stream.replicas}, asked for are ${wantedReplicas}`;
    found.push(finding("nats/replicas-differ", asked));
  }
  if (stream.replicas === 1 && cluster !== "") {
    found.push(finding("nats/one-copy", `${streamName} has 1 copy in the cluster ${cluster}`));
  }
  if (stream.storage === "memory") {
    found.push(finding("nats/memory-storage", `the storage of ${streamName} is memory`));
  }
  return [...found, ...judgeCopies(stream, streamName)];
}

function judgeVersion(version: string, copies: number): Finding[] {
  const { from, until } = LOSES_STREAMS;
  const letsTwoWin = !isAtLeast(version, OLDEST_REPLICATED);
  const isLossy = isAtLeast(version, from) && !isAtLeast(version, until);
  if (!letsTwoWin && !isLossy) return [];
  return [finding("nats/replicated-version", `nats-server ${version}, ${copies} copies`)];
}

function judgeCopies({ copies, isClustered, leader }: NatsStream, name: string): Finding[] {
  const found: Finding[] = [];
  if (isClustered && leader === undefined) {
    found.push(finding("nats/no-leader", `${name} has no leader`));
  }
  for (const copy of copies.filter(({ isCurrent, isOffline }) => isOffline || !isCurrent)) {
    const state = copy.isOffline ? "offline" : "behind";
    found.push(finding("nats/replica-lags", `the copy of ${name} on ${copy.name} is ${state}`));
  }
  return found;
}
