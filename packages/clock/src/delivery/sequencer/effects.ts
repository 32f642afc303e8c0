/** What the sequencer's machine is handed, and what it asks for. */
import type { StreamEffect } from "../fifo/effects.ts";
import type { StreamInput } from "../fifo/fifo-machine.ts";
import type { StreamOptions } from "../fifo/options.ts";
import type { MemberId } from "../member.ts";

/** What the machine is handed. */
export type SequencerInput =
  | { readonly kind: "publish"; readonly data: Uint8Array }
  /** Be the sequencer of `epoch`, for `members`. */
  | { readonly kind: "lead"; readonly epoch: number; readonly members: readonly MemberId[] }
  | Exclude<StreamInput, { readonly kind: "skip" }>;

/** A message that has its place. */
export interface OrderedEffect {
  readonly kind: "deliver";
  /** Who sent it. */
  readonly member: MemberId;
  /** Which of the sender's messages, from 1. */
  readonly n: number;
  /** Its place, from 1; the same at every member. */
  readonly seq: number;
  /** The message. Kept for others, too: do not write into it. */
  readonly data: Uint8Array;
}

/** What the machine asks for. */
export type SequencerEffect =
  | StreamEffect
  | OrderedEffect
  /** Our message got the name `n`. */
  | { readonly kind: "submitted"; readonly n: number }
  /** Not sent: `pendingMax` of our messages have no place yet. */
  | { readonly kind: "refused"; readonly pending: number; readonly limit: number }
  /** We are the sequencer of `epoch`: a majority has the order that it begins with. */
  | { readonly kind: "leading"; readonly epoch: number }
  /** We are not, or no more: somebody has promised to `by`. */
  | { readonly kind: "deposed"; readonly epoch: number; readonly by: number }
  /** The order began here for us, with place `from`. */
  | { readonly kind: "entered"; readonly epoch: number; readonly from: number }
  /** An epoch has begun without us. */
  | { readonly kind: "excluded"; readonly epoch: number }
  /** We lag more than others remember; only a new member, with the user's state, can go on. */
  | { readonly kind: "left-behind"; readonly seq: number };

/** What the machine needs to know. Bounds are to be the same at all members. */
export interface SequencerOptions extends StreamOptions {
  /** Our name in this life. */
  readonly self: MemberId;
  /** Who counts now. Without `self`: we join when an epoch begins that has us. */
  readonly members: readonly MemberId[];
  /** Own messages without a place, at most. @default 128 */
  readonly pendingMax?: number;
  /** Places that are not final yet, and places remembered for those who lag. @default 1024 */
  readonly windowMax?: number;
}
