/**
 * What people on call want to hear of: answers that retries will not get.
 */
import type { EventChannel, Runtime } from "@quorate/core";
import type { NotStoredReason } from "./answer.ts";

/** Published on `quorate:http.not-stored`: a handler ran, and its answer was not kept. */
export interface NotStored {
  /** The lookup key: `lookupKey` makes it of a client's. */
  readonly key: string;
  readonly status: number;
  readonly reason: NotStoredReason;
  /** Name and code of the store's error, where it was one. */
  readonly error?: string;
}

/** The channel. */
export function notStoredChannel(runtime: Runtime): EventChannel<NotStored> {
  return runtime.events.channel<NotStored>("http.not-stored");
}
