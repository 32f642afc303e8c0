/**
 * The options of gossip, checked at once, before anything is sent.
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
  positiveInteger,
  ttl,
} from "@quorate/core";
import type { GossipOptions } from "./gossip.ts";
import { type GossipSettings, MAX_LIFE } from "./machine.ts";
import { HEAD_BYTES } from "./messages.ts";
import { checkPeerId } from "./peers.ts";

/** Where messages go and what time it is: any backend, or the two halves of one. */
export type GossipBackend = Pick<Backend, "bus" | "runtime">;

/** Options, checked. */
export interface CheckedGossip {
  readonly group: string;
  readonly settings: GossipSettings;
  readonly peers: () => readonly string[];
  readonly roundMs: Ms;
  readonly reconcileMs: Ms;
}

const NAMES = [
  "group",
  "id",
  "peers",
  "style",
  "fanout",
  "roundMs",
  "reconcileMs",
  "stopAfter",
  "maxKeys",
  "maxOwnerBytes",
  "maxPacketBytes",
  "tombstoneMs",
  "keepMs",
  "life",
] as const;

const MAX_OWNER_BYTES = 262_144;
const MAX_PACKET_BYTES = 524_288;

/** Checks what `createGossip` is given. */
export function checkGossip(backend: GossipBackend, options: GossipOptions): CheckedGossip {
  if (typeof backend?.bus?.subscribe !== "function") {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  knownOptions("options", options, NAMES);
  const group = checkName("group", options.group);
  // The longest subject that it may come to: an id has at most 128 bytes.
  checkName("group with its subject", `gossip/${group}/to/${"x".repeat(MAX_SEGMENT_BYTES)}`);
  const { style = "push" } = options;
  if (style !== "push" && style !== "push-pull") {
    throw invalidArgument("style", style, '"push" or "push-pull"');
  }
  const maxOwnerBytes = whole("maxOwnerBytes", options.maxOwnerBytes ?? 16_384, MAX_OWNER_BYTES);
  const maxPacketBytes = whole(
    "maxPacketBytes",
    options.maxPacketBytes ?? 49_152,
    MAX_PACKET_BYTES,
  );
  // An owner's facts travel whole; a comparison answers in half a packet and asks in the other.
  if (maxPacketBytes < maxOwnerBytes + 2 * HEAD_BYTES) {
    const expected = `at least 1024 more than maxOwnerBytes, which is ${maxOwnerBytes}`;
    throw invalidArgument("maxPacketBytes", maxPacketBytes, expected);
  }
  const life = options.life ?? Math.floor(backend.runtime.time.wallMs());
  const roundMs = ttl("roundMs", options.roundMs ?? 200);
  return {
    group,
    settings: {
      self: checkPeerId("id", options.id),
      life: whole("life", life, MAX_LIFE),
      style,
      fanout: whole("fanout", options.fanout ?? 3, 64),
      stopAfter: whole("stopAfter", options.stopAfter ?? 8, 1_000),
      maxPacketBytes,
      maxOwnerBytes,
      maxKeys: whole("maxKeys", options.maxKeys ?? 64, 4_096),
      tombstoneMs: ttl("tombstoneMs", options.tombstoneMs ?? 60_000),
      keepMs: ttl("keepMs", options.keepMs ?? 60_000),
    },
    peers: callable("peers", options.peers),
    roundMs,
    reconcileMs: ttl("reconcileMs", options.reconcileMs ?? 5_000, roundMs),
  };
}

function whole(option: string, value: number, max: number): number {
  return inRange(option, positiveInteger(option, value), 1, max);
}
