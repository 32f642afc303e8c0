/**
 * Server versions, and what each can be trusted with.
 *
 * The table is short because only two things matter. Compare-and-set on a replicated stream was
 * checked only on its leader before 2.9.21: measured here on 2.9.10, 935 of 4222 updates were won
 * twice (nats-server#4319). And 2.10.20 to 2.10.22 can lose a whole replicated stream (Jepsen,
 * "NATS 2.12.1"). One replica is exact on every version.
 */
import { QuorateError } from "@quorate/core";

/** Major, minor, patch. */
export type Version = readonly [number, number, number];

const PATTERN = /^v?(\d{1,6})\.(\d{1,6})\.(\d{1,6})/;

/** Reads `2.10.27-RC.1`; `undefined` for what is not a version. */
export function parseVersion(text: string): Version | undefined {
  const match = PATTERN.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3])];
}

/** True when `version` is `than` or newer. */
export function isAtLeast(version: Version, than: Version): boolean {
  for (let index = 0; index < 3; index++) {
    const difference = (version[index] ?? 0) - (than[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** Throws `UNSUPPORTED`, with the cure, where `replicas` cannot be trusted on `text`. */
export function checkReplicas(text: string, replicas: number): void {
  const version = parseVersion(text);
  if (version === undefined) throw unsupported("server version", `version ${text} is not known`);
  if (!isAtLeast(version, [2, 9, 0])) {
    throw unsupported("server version", `nats-server ${text} is older than 2.9; upgrade it`);
  }
  if (replicas === 1) return;
  if (!isAtLeast(version, [2, 9, 21])) {
    const fault = "two writers can win the same revision of a replicated stream (nats-server#4319)";
    throw unsupportedReplicas(text, replicas, fault);
  }
  if (isAtLeast(version, [2, 10, 20]) && !isAtLeast(version, [2, 10, 23])) {
    throw unsupportedReplicas(text, replicas, "a replicated stream can be lost as a whole");
  }
}

function unsupportedReplicas(
  text: string,
  replicas: number,
  fault: string,
): QuorateError<"UNSUPPORTED"> {
  const cure = "upgrade to 2.10.23 or newer, or use replicas: 1";
  return unsupported("replicas", `replicas: ${replicas} on nats-server ${text}: ${fault}; ${cure}`);
}

/** The error of a set-up that cannot serve us. Effect `none`. */
export function unsupported(feature: string, message: string): QuorateError<"UNSUPPORTED"> {
  return new QuorateError("UNSUPPORTED", message, { effect: "none", details: { feature } });
}
