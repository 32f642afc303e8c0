/**
 * Fault switches of one backend: what the world does to a process's link to its store.
 */
import { QuorateError } from "@quorate/core";

/** Switches of one process's link. All take effect at once. */
export interface MemoryFaults {
  /** The link dies: calls in flight fail, new ones are refused, nothing is pushed. */
  cut(): void;
  /** The link is whole again; watches and waits catch up. */
  restore(): void;
  /** The link dies and is whole again at once: everything in flight is lost. */
  reset(): void;
  /** The process hears nothing: replies and pushes pile up. Requests still reach the store. */
  pauseReplies(): void;
  /** It hears what has piled up, in order. */
  resumeReplies(): void;
  /** The next write is applied, its reply lost with the connection. */
  dropNextReply(): void;
  /** The next write never reaches the store, and the connection is lost. */
  dropNextRequest(): void;
  /** The next write stays on its way, the connection is lost; calling the result delivers it. */
  holdNextRequest(): () => void;
  /** Every exchange takes `ms` more: half there, half back. 0: none. */
  delay(ms: number): void;
}

/** What happens to the next write. */
export type NextWrite =
  | { readonly kind: "lose-reply" }
  | { readonly kind: "lose-request" }
  | { readonly kind: "hold"; deliver: (() => void) | undefined };

function refuse(): never {
  const message = "this backend has a wire: what happens on the way is done to that";
  const details = { feature: "faults of a wired backend" };
  throw new QuorateError("UNSUPPORTED", message, { effect: "none", details });
}

/** The switches where a wire has taken their place. */
export const wiredFaults: MemoryFaults = {
  cut: refuse,
  restore: refuse,
  reset: refuse,
  pauseReplies: refuse,
  resumeReplies: refuse,
  dropNextReply: refuse,
  dropNextRequest: refuse,
  holdNextRequest: refuse,
  delay: refuse,
};
