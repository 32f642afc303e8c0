/**
 * The stream of a namespace: what it must be, and whether what is there will do.
 *
 * Servers ignore fields that they do not know, so what was asked for proves nothing: the
 * configuration is read back and judged. An existing stream is never changed by us.
 */
import { asNumber, asObject, asString, type JsonObject } from "./jetstream/answers.ts";
import type { Subjects } from "./subjects.ts";
import { isAtLeast, parseVersion, unsupported } from "./version.ts";

/** What the user may choose. */
export interface StreamChoice {
  readonly replicas: 1 | 3 | 5 | undefined;
  readonly storage: "file" | "memory" | undefined;
}

/** What the stream turned out to be. */
export interface StreamFacts {
  readonly replicas: number;
  readonly storage: "file" | "memory";
  /** The server sweeps up messages by their `Nats-TTL` (2.11 and later). */
  readonly sweepsByTtl: boolean;
  /** The server says the time when asked about the stream (2.10 and later). */
  readonly tellsTime: boolean;
}

/** How long the server remembers operation ids. */
export const DUPLICATE_WINDOW_MS = 120_000;

/** The configuration to create. */
export function streamConfig(subjects: Subjects, choice: StreamChoice, version: string): object {
  const parsed = parseVersion(version);
  const hasTtl = parsed !== undefined && isAtLeast(parsed, [2, 11, 0]);
  return {
    name: subjects.streamName,
    description: `Quorate: kv and leases of namespace ${JSON.stringify(subjects.namespace)}`,
    subjects: subjects.ofStream,
    retention: "limits",
    storage: choice.storage ?? "file",
    num_replicas: choice.replicas ?? 1,
    max_consumers: -1,
    max_msgs: -1,
    max_bytes: -1,
    max_age: 0,
    max_msg_size: -1,
    max_msgs_per_subject: 1,
    // Refuse when the account is full; "old" would silently drop somebody's lock.
    discard: "new",
    duplicate_window: DUPLICATE_WINDOW_MS * 1_000_000,
    // A replica that lags would answer direct reads.
    allow_direct: false,
    deny_delete: false,
    deny_purge: false,
    ...(hasTtl ? { allow_msg_ttl: true } : {}),
  };
}

/** Facts of the stream, or `UNSUPPORTED` naming every setting that will not do. */
export function judgeConfig(
  config: JsonObject,
  subjects: Subjects,
  choice: StreamChoice,
): Omit<StreamFacts, "tellsTime"> {
  const replicas = asNumber(config["num_replicas"]) ?? 1;
  const storage = asString(config["storage"]) === "memory" ? "memory" : "file";
  const faults = [
    ...faultsOf(config, subjects),
    ...(choice.replicas !== undefined && choice.replicas !== replicas
      ? [`replicas is ${replicas}, options say ${choice.replicas}`]
      : []),
    ...(choice.storage !== undefined && choice.storage !== storage
      ? [`storage is ${storage}, options say ${choice.storage}`]
      : []),
  ];
  if (faults.length === 0) {
    return { replicas, storage, sweepsByTtl: config["allow_msg_ttl"] === true };
  }
  const name = subjects.streamName;
  throw unsupported(
    "stream configuration",
    `stream ${name} will not do: ${faults.join("; ")}. Change it with the nats CLI ` +
      `(nats stream edit ${name}), remove it, or choose another streamName or namespace`,
  );
}

function faultsOf(config: JsonObject, subjects: Subjects): string[] {
  const listed = config["subjects"];
  const has = (subject: string): boolean => Array.isArray(listed) && listed.includes(subject);
  const missing = subjects.ofStream.filter((subject) => !has(subject));
  const full =
    (asNumber(config["max_bytes"]) ?? -1) > 0 || (asNumber(config["max_msgs"]) ?? -1) > 0;
  const checks: readonly (readonly [boolean, string])[] = [
    [missing.length > 0, `it does not take the subjects ${missing.join(", ")}`],
    [config["max_msgs_per_subject"] !== 1, "max_msgs_per_subject must be 1"],
    [config["retention"] !== "limits", "retention must be limits"],
    [(asNumber(config["max_age"]) ?? 0) > 0, "max_age must be 0, it would drop entries"],
    [full && config["discard"] !== "new", "with max_msgs or max_bytes, discard must be new"],
    [config["deny_delete"] === true, "deny_delete must be off"],
    [config["sealed"] === true, "it is sealed"],
    [config["no_ack"] === true, "no_ack must be off"],
    [config["mirror"] !== undefined && config["mirror"] !== null, "it is a mirror"],
    [asObject(config["republish"]) !== undefined, "republish would copy entries elsewhere"],
    [asObject(config["subject_transform"]) !== undefined, "it transforms subjects"],
  ];
  return checks.filter(([wrong]) => wrong).map(([, fault]) => fault);
}
