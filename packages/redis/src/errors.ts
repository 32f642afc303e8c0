/**
 * What an error of ioredis or Redis says about the one question: did it happen?
 *
 * Redis names its refusals by the first word of the reply; a refused command did nothing. Whatever
 * comes from the client library instead says only that no answer came. The table below is the
 * whole of what we believe of others' errors.
 */
import { QuorateError, safeCause, type Resolve } from "@quorate/core";

/** What a failed attempt means. */
export type Failure =
  /** The server has not got the script: send its source. */
  | { readonly kind: "no-script" }
  /** Refused for now, nothing done; asking again may help. */
  | { readonly kind: "not-now"; readonly reason: string }
  /** Refused for good, nothing done. */
  | { readonly kind: "refused"; readonly reason: string }
  /** A key of ours holds something that is not ours. */
  | { readonly kind: "foreign"; readonly reason: string }
  /** This server or set-up cannot do it. */
  | { readonly kind: "unsupported"; readonly reason: string }
  /** Never left this process. */
  | { readonly kind: "unsent" }
  /** Left, perhaps; no answer will come. */
  | { readonly kind: "lost" };

const NOT_NOW = new Set(["LOADING", "READONLY", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "BUSY"]);
const REFUSED: Readonly<Record<string, string>> = {
  NOAUTH: "the server wants a password; give one to the client",
  WRONGPASS: "user or password is wrong",
  NOPERM: "the user lacks rights: +@all on the namespace's keys and channels is the simplest",
  OOM: "the server is out of memory (maxmemory)",
  MISCONF: "the server cannot persist and stops writes (stop-writes-on-bgsave-error)",
  NOREPLICAS: "too few replicas are in step (min-replicas-to-write)",
  DENIED: "the server is in protected mode and refuses this address",
};
/** What a script says of a command that its user may not run. */
const NO_RIGHTS = /can't run this command|can't access at least one of the keys|NOPERM/;
const UNSENT = /enableOfflineQueue options is false/;

/** Reads an error of one attempt. */
export function classify(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  // Errors of the server start with a word in capitals; inside a cluster a redirection wraps it.
  const word = /^([A-Z]+) /.exec(message)?.[1] ?? "";
  if (word === "NOSCRIPT") return { kind: "no-script" };
  if (NOT_NOW.has(word)) return { kind: "not-now", reason: word };
  if (word === "MOVED" || word === "ASK" || word === "CROSSSLOT") {
    const reason = "this is a node of a Redis cluster: give a `new Redis.Cluster(…)`";
    return { kind: "unsupported", reason };
  }
  const refusal = REFUSED[word];
  if (refusal !== undefined) return { kind: "refused", reason: `${word}: ${refusal}` };
  if (NO_RIGHTS.test(message)) return { kind: "refused", reason: `NOPERM: ${REFUSED["NOPERM"]}` };
  if (word === "WRONGTYPE") return { kind: "foreign", reason: "a key of another type is in place" };
  if (word === "ERR") return { kind: "foreign", reason: scriptError(message) };
  return UNSENT.test(message) ? { kind: "unsent" } : { kind: "lost" };
}

/** The reason without the script's digest, which changes with each version. */
function scriptError(message: string): string {
  const plain = message.replaceAll(/\b[0-9a-f]{40}\b/g, "…");
  return plain.length > 160 ? `${plain.slice(0, 160)}…` : plain;
}

/** What an error is about. */
export interface About {
  readonly operation: string;
  readonly address: string;
  readonly key: string | undefined;
}

/** Nothing was done, and nothing will be. */
export function unavailable(
  about: About,
  reason: string,
  cause?: unknown,
): QuorateError<"STORE_UNAVAILABLE"> {
  const { operation, address } = about;
  return new QuorateError(
    "STORE_UNAVAILABLE",
    `redis at ${address} is not available for ${operation}: ${reason}; nothing was done`,
    {
      effect: "none",
      details: { operation, address },
      ...(cause === undefined ? {} : { cause: safeCause(cause) }),
    },
  );
}

/** The server answered that it will not. */
export function refused(about: About, reason: string): QuorateError<"STORE_REFUSED"> {
  const message = `redis at ${about.address} refused ${about.operation}: ${reason}`;
  const details = { operation: about.operation, reason };
  return new QuorateError("STORE_REFUSED", message, { effect: "none", details });
}

/** This server cannot serve us. */
export function unsupported(feature: string, message: string): QuorateError<"UNSUPPORTED"> {
  return new QuorateError("UNSUPPORTED", message, { effect: "none", details: { feature } });
}

/** What is stored is not ours, or damaged. */
export function foreignRecord(key: string, reason: string): QuorateError<"RECORD_INVALID"> {
  const message = `what redis holds for ${JSON.stringify(key)} is not a record of ours: ${reason}`;
  return new QuorateError("RECORD_INVALID", message, { effect: "none", details: { key, reason } });
}

/** Asked, and nobody knows what became of it. */
export function outcomeUnknown(
  about: About,
  why: string,
  options: { readonly afterMs: number; readonly resolve?: Resolve | undefined },
): QuorateError<"OUTCOME_UNKNOWN"> {
  const { operation, key } = about;
  return new QuorateError(
    "OUTCOME_UNKNOWN",
    `${operation} at redis ${about.address}: ${why}; it may have happened, or may still`,
    {
      effect: "unknown",
      details: {
        operation,
        ...(key === undefined ? {} : { key }),
        afterMs: Math.round(options.afterMs),
      },
      ...(options.resolve === undefined ? {} : { resolve: options.resolve }),
    },
  );
}

/** The caller's signal aborted a write. */
export function aborted(
  about: About,
  effect: "none" | "unknown",
  options: { readonly cause: unknown; readonly resolve?: Resolve | undefined },
): QuorateError<"ABORTED"> {
  const what = effect === "none" ? "before it was sent" : "in flight; it may have happened";
  return new QuorateError("ABORTED", `${about.operation} was aborted ${what}`, {
    effect,
    details: { operation: about.operation },
    cause: options.cause,
    ...(options.resolve === undefined ? {} : { resolve: options.resolve }),
  });
}

/** A read that was not answered in time. Nothing can have happened. */
export function readTimeout(about: About, timeoutMs: number): QuorateError<"TIMEOUT"> {
  const { operation } = about;
  const message = `${operation} got no answer from redis at ${about.address} in ${timeoutMs} ms`;
  return new QuorateError("TIMEOUT", message, {
    effect: "none",
    details: { operation, timeoutMs },
  });
}
