/**
 * How the link and the stream are, and what about them is risky, each with its cure.
 */
import { isQuorateError, scrub, withDeadline } from "@quorate/core";
import type { Health, Ms, Runtime } from "@quorate/core";
import { Budget } from "./budget.ts";
import type { Link } from "./link/link.ts";
import type { Stream } from "./stream.ts";

/** A server that stays silent this long is only noticed then, if the client is left to itself. */
const LONGEST_PING_INTERVAL_MS = 10_000;

/** What health is asked of. */
export interface HealthParts {
  readonly link: Link;
  readonly stream: Stream;
  readonly runtime: Runtime;
}

/** Asks. Never rejects, but for an abort. */
export async function askHealth(
  parts: HealthParts,
  call: { readonly timeoutMs: Ms; readonly signal: AbortSignal | undefined },
): Promise<Health> {
  const { link, stream, runtime } = parts;
  const budget = new Budget(runtime, call);
  const warnings = clientWarnings(link.connection);
  const server = serverOf(link);
  const roundTripMs = await roundTrip(link, runtime, budget);
  call.signal?.throwIfAborted();
  if (roundTripMs === undefined) {
    const text = link.closedForEver
      ? "the NATS client has closed for ever: open a new connection, with maxReconnectAttempts: -1"
      : "the NATS server does not answer: see that it runs and can be reached";
    return { ok: false, ...server, warnings: [text, ...warnings] };
  }
  try {
    await stream.look(budget, "health");
  } catch (error) {
    call.signal?.throwIfAborted();
    const text = isQuorateError(error) ? error.message : scrub(String(error));
    return { ok: false, roundTripMs, ...server, warnings: [text, ...warnings] };
  }
  return { ok: true, roundTripMs, ...server, warnings: [...warnings, ...streamWarnings(parts)] };
}

function serverOf(link: Link): { server?: string } {
  const version = link.connection.info?.version;
  return version === undefined ? {} : { server: `nats-server ${scrub(version)}` };
}

async function roundTrip(link: Link, runtime: Runtime, budget: Budget): Promise<Ms | undefined> {
  if (!(await link.whenUp(budget.leftMs, budget.signal))) return undefined;
  const startedMs = runtime.time.monotonicMs();
  const pong = link.connection.flush().then(() => runtime.time.monotonicMs() - startedMs);
  const { leftMs: timeoutMs, signal } = budget;
  const onTimeout = (): Error => new Error("no pong");
  return withDeadline(runtime, pong, { timeoutMs, signal, onTimeout }).catch(() => undefined);
}

type Untold = Record<"maxReconnectAttempts" | "noEcho" | "pingInterval" | "reconnect", unknown>;

/** Clients keep their options where they can be read, though their types do not say so. */
function clientWarnings(connection: object): string[] {
  const { options } = connection as { options?: unknown };
  if (typeof options !== "object" || options === null) return [];
  const { maxReconnectAttempts, noEcho, pingInterval, reconnect } = options as Untold;
  const warnings: string[] = [];
  if (reconnect === false) {
    warnings.push("the client does not reconnect: connect with reconnect: true");
  } else if (typeof maxReconnectAttempts === "number" && maxReconnectAttempts >= 0) {
    warnings.push(
      `the client gives up after ${maxReconnectAttempts} attempts to reconnect and is then ` +
        "closed for ever: connect with maxReconnectAttempts: -1",
    );
  }
  if (noEcho === true) {
    warnings.push("the client hears nothing of its own (noEcho): a bus within it stays silent");
  }
  const pingMs = typeof pingInterval === "number" ? pingInterval : 120_000;
  if (pingMs > LONGEST_PING_INTERVAL_MS) {
    warnings.push(
      `the client asks only every ${pingMs / 1_000} s whether the server lives: connect with ` +
        `pingInterval: ${LONGEST_PING_INTERVAL_MS} or less`,
    );
  }
  return warnings;
}

function streamWarnings({ link, stream }: HealthParts): string[] {
  const { facts } = stream;
  if (facts === undefined) return [];
  const warnings: string[] = [];
  const clustered = (link.connection.info as { cluster?: unknown } | undefined)?.cluster;
  if (facts.replicas === 1 && typeof clustered === "string" && clustered !== "") {
    warnings.push(
      "the stream has one copy in a cluster: its node is a single point of failure; use " +
        "replicas: 3 (nats stream edit --replicas 3)",
    );
  }
  if (facts.storage === "memory") {
    warnings.push(
      "the stream is in memory: a restart of its servers forgets every entry and lease; use " +
        'storage: "file"',
    );
  } else {
    warnings.push(
      "nats-server syncs its files every 2 minutes unless told otherwise: a power failure may " +
        "lose acknowledged writes; set jetstream { sync_interval: always } where that matters",
    );
  }
  return warnings;
}
