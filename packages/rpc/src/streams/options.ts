/**
 * Options of streams on both sides, their defaults and checks.
 *
 * Defaults: a client may have 256 items or a mebibyte on its way and unread; each side is heard
 * every two seconds, and is given up after six; a server bears a consumer that takes nothing for a
 * minute.
 */
import { inRange, invalidArgument, knownOptions, type Ms, positive } from "@quorate/core";
import { positiveInteger } from "@quorate/core";
import { MAX_KEEP_ALIVE_MS, MIN_KEEP_ALIVE_MS } from "../wire/window.ts";

/** What becomes of running streams when their server closes. */
export type OnServerClose = "finish" | "end";

/** Bounds of a server's streams. */
export interface ServeStreamOptions {
  /** Streams that run at one time; more are OVERLOADED. @default 1000 */
  readonly max?: number;
  /**
   * How long a consumer may leave its window full before the stream is ended with TIMEOUT;
   * Infinity: for ever. @default 60000
   */
  readonly stallMs?: Ms;
  /**
   * Whether `close` lets streams come to their end within its grace time, or ends them at once;
   * their consumers are told ABORTED, after the items before it. @default "finish"
   */
  readonly onClose?: OnServerClose;
}

/** Bounds of a server's streams, filled in. */
export interface ServeStreamSettings {
  readonly maxStreams: number;
  readonly stallMs: Ms;
  readonly onClose: OnServerClose;
}

/** Bounds of a client's streams. */
export interface ClientStreamOptions {
  /** Streams that are open at one time; more are BULKHEAD_FULL. @default 1000 */
  readonly max?: number;
  /** Items of a stream that may be on their way or unread, 1 to 65536. @default 256 */
  readonly windowItems?: number;
  /** Bytes of a stream that may be on their way or unread, beside one frame. @default 1048576 */
  readonly windowBytes?: number;
  /**
   * How often either side is heard at least, 100 to 60000; after three times as long without a
   * word the other side is given up. @default 2000
   */
  readonly keepAliveMs?: Ms;
}

/** Bounds of a client's streams, filled in. */
export interface ClientStreamSettings {
  readonly maxStreams: number;
  readonly windowItems: number;
  readonly windowBytes: number;
  readonly keepAliveMs: Ms;
}

const MAX_WINDOW_ITEMS = 65_536;

/** The options of a server's streams, checked. */
export function serveStreamSettings(options: ServeStreamOptions): ServeStreamSettings {
  knownOptions("streams", options, ["max", "stallMs", "onClose"]);
  const { max = 1_000, onClose = "finish", stallMs = 60_000 } = options;
  if (onClose !== "finish" && onClose !== "end") {
    throw invalidArgument("streams.onClose", onClose, '"finish" or "end"');
  }
  return {
    maxStreams: positiveInteger("streams.max", max),
    stallMs: stallMs === Infinity ? stallMs : positive("streams.stallMs", stallMs),
    onClose,
  };
}

/** The options of a client's streams, checked. */
export function clientStreamSettings(options: ClientStreamOptions): ClientStreamSettings {
  knownOptions("streams", options, ["max", "windowItems", "windowBytes", "keepAliveMs"]);
  const { keepAliveMs = 2_000, max = 1_000, windowBytes = 1_048_576, windowItems = 256 } = options;
  inRange(
    "streams.windowItems",
    positiveInteger("streams.windowItems", windowItems),
    1,
    MAX_WINDOW_ITEMS,
  );
  return {
    maxStreams: positiveInteger("streams.max", max),
    windowItems,
    windowBytes: positiveInteger("streams.windowBytes", windowBytes),
    keepAliveMs: inRange("streams.keepAliveMs", keepAliveMs, MIN_KEEP_ALIVE_MS, MAX_KEEP_ALIVE_MS),
  };
}
