/**
 * The options of a SWIM member, checked at once, before anything is sent.
 */
import {
  boundedString,
  callable,
  invalidArgument,
  knownOptions,
  type Ms,
  positive,
  positiveInteger,
  QuorateError,
} from "@quorate/core";
import { MAX_ADDRESS_BYTES, MAX_MEMBER_ID_BYTES, MAX_SWIM_DATA_BYTES } from "./news.ts";
import { createSeal, type Seal } from "./seal.ts";
import { checkTiming, type SwimTiming, type SwimTimingOption } from "./timing.ts";
import type { SwimTransport } from "./transport.ts";

/**
 * Keeps a member's incarnation over its restarts: a file, a key in a store.
 *
 * Without one the wall clock does: a process that begins later has a greater incarnation. With one
 * that holds too when the clock was set back in between.
 */
export interface IncarnationStore {
  /** What was saved last; `undefined`: nothing yet. */
  load(): Promise<number | undefined>;
  /** Keeps `incarnation`. Called before the first packet, then after each refutation. */
  save(incarnation: number): Promise<void>;
}

/** Options of `createSwim`. */
export interface SwimOptions {
  /** This process's name in the group; the same over its restarts, and nobody else's. */
  readonly id: string;
  /** What carries packets: `udpTransport()`, `busTransport()`, or one of a `SwimNetwork`. */
  readonly transport: SwimTransport;
  /** Name of the group: members of others on the same network are not heard. @default "quorate" */
  readonly group?: string;
  /**
   * Addresses of members that are mostly there, at most 64. Asked at the start, and now and then
   * later, which is what heals a partition that outlived the memory of both sides. @default none
   */
  readonly seeds?: readonly string[];
  /** What this member says of itself, at most 512 bytes: version, zone, port. @default "" */
  readonly data?: string;
  /** A preset, or numbers on top of `lan`. The same for all members. @default "lan" */
  readonly timing?: SwimTimingOption;
  /**
   * Shared secrets of 16 to 256 bytes, at most 4: the first signs, all are accepted. Without one
   * whoever can send a packet can be a member. @default none
   */
  readonly secrets?: readonly (string | Uint8Array)[];
  /** With secrets: how far a packet's stamp may be from our wall clock. @default 60000 */
  readonly maxPacketAgeMs?: Ms;
  /** Keeps the incarnation over restarts. @default none: the wall clock does */
  readonly store?: IncarnationStore;
  /** Most members that are remembered, those gone included. @default 10000 */
  readonly maxMembers?: number;
  /**
   * How far above our wall clock an incarnation is believed. Clocks of members must agree within
   * it. @default 86400000, a day
   */
  readonly maxIncarnationAheadMs?: Ms;
}

/** Options, checked. */
export interface CheckedSwim {
  readonly id: string;
  readonly transport: SwimTransport;
  readonly group: string;
  readonly seeds: readonly string[];
  readonly data: string;
  readonly timing: SwimTiming;
  readonly seal: Seal | undefined;
  readonly store: IncarnationStore | undefined;
  readonly maxMembers: number;
  readonly maxAheadMs: Ms;
}

const NAMES = [
  ...(["id", "transport", "group", "seeds", "data", "timing", "secrets"] as const),
  ...(["maxPacketAgeMs", "store", "maxMembers", "maxIncarnationAheadMs"] as const),
];
const MAX_SEEDS = 64;
const MOST_MEMBERS = 100_000;

/** Checks what `createSwim` is given. */
export function checkSwim(options: SwimOptions): CheckedSwim {
  knownOptions("options", options, NAMES);
  const { transport, seeds = [], secrets, store } = options;
  if (typeof transport?.open !== "function" || transport.runtime?.time === undefined) {
    throw invalidArgument("transport", transport, "a transport, as udpTransport() makes one");
  }
  if (!Array.isArray(seeds) || seeds.length > MAX_SEEDS) {
    throw invalidArgument("seeds", seeds, `at most ${MAX_SEEDS} addresses`);
  }
  for (const seed of seeds) boundedString("seeds", seed, MAX_ADDRESS_BYTES);
  if (store !== undefined) {
    callable("store.load", store.load);
    callable("store.save", store.save);
  }
  const maxMembers = positiveInteger("maxMembers", options.maxMembers ?? 10_000);
  if (maxMembers > MOST_MEMBERS) {
    throw invalidArgument("maxMembers", maxMembers, `at most ${MOST_MEMBERS}`);
  }
  const maxAgeMs = positive("maxPacketAgeMs", options.maxPacketAgeMs ?? 60_000);
  const aheadMs = options.maxIncarnationAheadMs ?? 86_400_000;
  return {
    id: boundedString("id", options.id, MAX_MEMBER_ID_BYTES),
    transport,
    group: boundedString("group", options.group ?? "quorate", MAX_MEMBER_ID_BYTES),
    seeds: [...new Set([...seeds, ...transport.meetingPoints])],
    data: checkSwimData(options.data ?? ""),
    timing: checkTiming(options.timing),
    seal: secrets === undefined ? undefined : createSeal({ secrets, maxAgeMs }),
    store,
    maxMembers,
    maxAheadMs: positive("maxIncarnationAheadMs", aheadMs),
  };
}

/** What a member may say of itself. @throws INVALID_ARGUMENT, TOO_LARGE */
export function checkSwimData(data: string): string {
  if (typeof data !== "string" || !data.isWellFormed()) {
    throw invalidArgument("data", data, "a well-formed string");
  }
  const size = Buffer.byteLength(data);
  const limit = MAX_SWIM_DATA_BYTES;
  if (size <= limit) return data;
  const message = `data has size ${size}, at most ${limit} is allowed`;
  const details = { option: "data", size, limit };
  throw new QuorateError("TOO_LARGE", message, { effect: "none", details });
}
