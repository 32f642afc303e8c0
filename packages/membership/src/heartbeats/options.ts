/**
 * The options of a heartbeat membership, checked at once, before anything is sent.
 *
 * All durations follow from the interval unless they are given, so that one number sets the pace:
 * with the defaults a crash is suspected after about three intervals, and down one and a half
 * later.
 */
import {
  type Backend,
  callable,
  checkName,
  inRange,
  invalidArgument,
  knownOptions,
  MAX_SEGMENT_BYTES,
  type Ms,
  positive,
  positiveInteger,
  QuorateError,
} from "@quorate/core";
import type { ConfirmationSettings } from "../detectors/confirmation.ts";
import type { MakeDetector } from "../detectors/detector.ts";
import { PhiDetector } from "../detectors/phi-detector.ts";
import { MAX_MEMBER_DATA_BYTES } from "./wire.ts";

/** Where messages go and what time it is: any backend, or the two halves of one. */
export type HeartbeatBackend = Pick<Backend, "bus" | "runtime">;

/** Options of `createHeartbeats`. */
export interface HeartbeatOptions {
  /** Name of the group, part of its subjects. */
  readonly group: string;
  /**
   * This process's name in the group, one segment; the same over its restarts, and nobody else's.
   * Without it the process only looks on: it sees the members and is none.
   */
  readonly id?: string;
  /** What it says of itself, at most 1 KiB, in each heartbeat. @default "" */
  readonly data?: string;
  /** How often a member says that it lives. The same for all members. @default 1000 */
  readonly intervalMs?: Ms;
  /** Who suspects. @default `(options) => new PhiDetector(options)` */
  readonly detector?: MakeDetector;
  /** How long a member has for the answer to a question. @default half an interval */
  readonly probeTimeoutMs?: Ms;
  /** Through how many others a silent member is asked. @default 3 */
  readonly relays?: number;
  /** Good heartbeats that make a member that was down alive. @default 3 */
  readonly recoveryBeats?: number;
  /** How long those gone are remembered. @default 300000 */
  readonly keepGoneMs?: Ms;
  /**
   * Most members that are known, 1 to 256. Each hears each: the bus carries the square of their
   * number every interval. For more there is SWIM. @default 64
   */
  readonly maxMembers?: number;
}

/** Options, checked. */
export interface HeartbeatSettings {
  readonly group: string;
  readonly id: string | undefined;
  readonly data: string;
  readonly intervalMs: Ms;
  readonly detector: MakeDetector;
  readonly confirmation: ConfirmationSettings;
  readonly keepGoneMs: Ms;
  readonly maxMembers: number;
}

const NAMES = [
  "group",
  "id",
  "data",
  "intervalMs",
  "detector",
  "probeTimeoutMs",
  "relays",
  "recoveryBeats",
  "keepGoneMs",
  "maxMembers",
] as const;

/** Most members of a group that lives by heartbeats. */
export const MAX_HEARTBEAT_MEMBERS = 256;

/** Checks what `createHeartbeats` is given. */
export function checkHeartbeats(
  backend: HeartbeatBackend,
  options: HeartbeatOptions,
): HeartbeatSettings {
  if (typeof backend?.bus?.subscribe !== "function" || backend.runtime?.time === undefined) {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  knownOptions("options", options, NAMES);
  const { group, id } = options;
  checkName("group", group);
  // The longest subject that it may come to.
  checkName("group with its subjects", `${subjectOf(group)}/to/${"x".repeat(MAX_SEGMENT_BYTES)}`);
  if (id !== undefined && checkName("id", id).includes("/")) {
    throw invalidArgument("id", id, "one segment, free of '/'");
  }
  const intervalMs = positive("intervalMs", options.intervalMs ?? 1_000);
  const detector = options.detector ?? ((given) => new PhiDetector(given));
  return {
    group,
    id,
    data: checkData(options.data ?? ""),
    intervalMs,
    detector: callable("detector", detector),
    confirmation: checkConfirmation(options, intervalMs),
    keepGoneMs: positive("keepGoneMs", options.keepGoneMs ?? 300_000),
    maxMembers: checkMaxMembers(options.maxMembers ?? 64),
  };
}

/** What a member may say of itself. @throws INVALID_ARGUMENT, TOO_LARGE */
export function checkData(data: string): string {
  if (typeof data !== "string" || !data.isWellFormed()) {
    throw invalidArgument("data", data, "a well-formed string");
  }
  const size = Buffer.byteLength(data);
  if (size <= MAX_MEMBER_DATA_BYTES) return data;
  const message = `data has size ${size}, at most ${MAX_MEMBER_DATA_BYTES} is allowed`;
  const details = { option: "data", size, limit: MAX_MEMBER_DATA_BYTES };
  throw new QuorateError("TOO_LARGE", message, { effect: "none", details });
}

/** Before the ends of a group's subjects. */
export function subjectOf(group: string): string {
  return `membership/${group}`;
}

function checkMaxMembers(maxMembers: number): number {
  positiveInteger("maxMembers", maxMembers);
  return inRange("maxMembers", maxMembers, 1, MAX_HEARTBEAT_MEMBERS);
}

function checkConfirmation(options: HeartbeatOptions, intervalMs: Ms): ConfirmationSettings {
  const probeTimeoutMs = positive("probeTimeoutMs", options.probeTimeoutMs ?? intervalMs / 2);
  const relays = options.relays ?? 3;
  if (relays !== 0) positiveInteger("relays", relays);
  return {
    probeTimeoutMs,
    // There and back, twice.
    relayTimeoutMs: 2 * probeTimeoutMs,
    relays: inRange("relays", relays, 0, 16),
    clearedMs: 3 * intervalMs,
    recoveryBeats: positiveInteger("recoveryBeats", options.recoveryBeats ?? 3),
    recoveryMinGapMs: intervalMs / 2,
    recoveryMaxGapMs: 2.5 * intervalMs,
  };
}
