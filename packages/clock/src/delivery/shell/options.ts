/** Options that all four shells share. */
import {
  boundedString,
  callable,
  checkName,
  inRange,
  invalidArgument,
  knownOptions,
  type Ms,
  positive,
  positiveInteger,
  type Runtime,
} from "@quorate/core";

import type { NodeId } from "../../node-id.ts";
import { checkStreamOptions, type StreamOptions } from "../fifo/options.ts";
import { type MemberId, memberId } from "../member.ts";

/** What every shell is told. */
export interface GroupOptions<D, N> {
  /** Name of the group, the same at all members; subjects begin with it. */
  readonly group: string;
  /** The node that we are. */
  readonly self: NodeId;
  /**
   * This life of the node: 1 to 40 letters and digits, never used before.
   * @default a fresh random one
   */
  readonly boot?: string;
  /** Time and events. */
  readonly runtime: Runtime;
  /**
   * Takes messages, one at a time, in order. What it throws becomes an event, and the next message
   * follows. @default none: read `deliveries`
   */
  readonly handler?: (delivery: D) => void | Promise<void>;
  /** Told what people or the program must decide on; the same goes to `quorate:delivery`. */
  readonly onNotice?: (notice: N) => void;
  /** Between two looks at what is missing or must be told. @default 200 */
  readonly tickMs?: Ms;
  /** Longest message, in bytes, at most 262144. @default 65536 */
  readonly maxMessageBytes?: number;
  /** Delivered messages that may wait for the user; then the group's wait. @default 1024 */
  readonly maxUnread?: number;
  /** Bounds and rhythm of the streams below. */
  readonly streams?: StreamOptions;
}

/** Options with their defaults. */
export interface CheckedGroup<D, N> {
  readonly group: string;
  readonly self: MemberId;
  readonly runtime: Runtime;
  readonly handler: ((delivery: D) => void | Promise<void>) | undefined;
  readonly onNotice: ((notice: N) => void) | undefined;
  readonly tickMs: Ms;
  readonly maxMessageBytes: number;
  readonly maxUnread: number;
  readonly streams: StreamOptions;
}

/** Names of the options that all shells share. */
const NAMES = [
  "group",
  "self",
  "boot",
  "runtime",
  "handler",
  "onNotice",
  "tickMs",
  "maxMessageBytes",
  "maxUnread",
  "streams",
] as const;

/** Leaves room for stamps and names below the 512 KiB that every engine takes. */
const MOST_MESSAGE_BYTES = 262_144;

/** Checks options; `more` are the names of the shell's own. */
export function checkGroup<D, N, O extends GroupOptions<D, N>>(
  options: O,
  more: readonly (keyof O & string)[],
): CheckedGroup<D, N> {
  knownOptions("options", options, [...NAMES, ...more]);
  const { runtime } = options;
  if (typeof runtime?.time?.setTimer !== "function") {
    throw invalidArgument("runtime", runtime, "a Runtime: backend.runtime, or systemRuntime");
  }
  const boot = options.boot ?? runtime.ids.operation();
  const { handler, onNotice } = options;
  return {
    group: checkName("group", boundedString("group", options.group, 256)),
    self: memberId(options.self, boot),
    runtime,
    handler: handler === undefined ? undefined : callable("handler", handler),
    onNotice: onNotice === undefined ? undefined : callable("onNotice", onNotice),
    tickMs: positive("tickMs", options.tickMs ?? 200),
    maxMessageBytes: positiveInteger(
      "maxMessageBytes",
      inRange("maxMessageBytes", options.maxMessageBytes ?? 65_536, 1, MOST_MESSAGE_BYTES),
    ),
    maxUnread: positiveInteger("maxUnread", options.maxUnread ?? 1_024),
    streams: checkStreamOptions(options.streams ?? {}),
  };
}
