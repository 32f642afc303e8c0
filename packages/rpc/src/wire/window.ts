/**
 * What a caller of a stream says beside its request: the first credit, how often either side is
 * heard at least, and what is left of the whole stream's time.
 *
 * Foreign input: numbers out of bounds make no window, and the request is none.
 */
import type { Json, Ms } from "@quorate/core";
import type { Credit } from "../streams/credit.ts";
import { type Fields, isCount, isDuration } from "./text.ts";

/** Shortest keep-alive period that a server goes along with. */
export const MIN_KEEP_ALIVE_MS = 100;
/** Longest keep-alive period. */
export const MAX_KEEP_ALIVE_MS = 60_000;

/** What a client is willing to receive. */
export interface StreamWindow extends Credit {
  /** Each side is heard at least this often. */
  readonly keepAliveMs: Ms;
  /** What is left of the whole stream's time when it was asked for; `undefined`: no bound. */
  readonly leftMs?: Ms | undefined;
}

/** The window as it stands on the wire. */
export function writeWindow({ items, bytes, keepAliveMs, leftMs }: StreamWindow): object {
  return { n: items, b: bytes, h: keepAliveMs, l: leftMs };
}

/** Reads a window; `undefined` for what is none. */
export function readWindow(value: Json): StreamWindow | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { n: items, b: bytes, h: keepAliveMs, l: leftMs } = value as Fields;
  if (!isCount(items) || !isCount(bytes) || !isDuration(keepAliveMs)) return undefined;
  if (keepAliveMs < MIN_KEEP_ALIVE_MS || keepAliveMs > MAX_KEEP_ALIVE_MS) return undefined;
  if (leftMs !== undefined && !isDuration(leftMs)) return undefined;
  return { items, bytes, keepAliveMs, leftMs };
}
