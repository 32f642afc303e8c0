/** What the agreement's machine is handed, and what it asks for. */
import type { Ms } from "@quorate/core";

import type { StreamEffect } from "../fifo/effects.ts";
import type { StreamInput, GroupView } from "../fifo/fifo-machine.ts";
import type { StreamOptions } from "../fifo/options.ts";
import type { MemberId } from "../member.ts";

/** What the machine is handed. */
export type AgreementInput =
  | { readonly kind: "publish"; readonly data: Uint8Array }
  /** Who is in the group from now on; all members must be told the same. */
  | { readonly kind: "view"; readonly view: GroupView }
  | Exclude<StreamInput, { readonly kind: "skip" }>;

/** A message that all have agreed on a place for. */
export interface AgreedEffect {
  readonly kind: "deliver";
  /** Who sent it. */
  readonly member: MemberId;
  /** Which of the sender's messages, from 1. */
  readonly n: number;
  /** How many messages this member has delivered, this one included. */
  readonly seq: number;
  /** The message. Kept for others, too: do not write into it. */
  readonly data: Uint8Array;
}

/** What the machine asks for. */
export type AgreementEffect =
  | StreamEffect
  | AgreedEffect
  /** Our message got the name `n`. */
  | { readonly kind: "submitted"; readonly n: number }
  /** Not sent: `pendingMax` of our messages are not delivered yet. */
  | { readonly kind: "refused"; readonly pending: number; readonly limit: number }
  /** All members of the view have delivered the same, and go on in it. */
  | { readonly kind: "installed"; readonly epoch: number; readonly members: readonly MemberId[] }
  /** We are not in the view that we were told. */
  | { readonly kind: "excluded"; readonly epoch: number }
  /** Others are in view `epoch`, which we were not told yet; their messages wait. */
  | { readonly kind: "behind"; readonly epoch: number }
  /** `member` was told other members for the same epoch; the view cannot be installed. */
  | { readonly kind: "view-mismatch"; readonly epoch: number; readonly member: MemberId }
  /** Nothing is delivered because these have not answered for long. Change the view? */
  | { readonly kind: "waiting"; readonly members: readonly MemberId[]; readonly forMs: Ms };

/** What the machine needs to know. Bounds are to be the same at all members. */
export interface AgreementOptions extends StreamOptions {
  /** Our name in this life. */
  readonly self: MemberId;
  /** The first view. Without `self`: we wait to be told a view that has us. */
  readonly view: GroupView;
  /** Own messages that are not delivered yet, at most. @default 64 */
  readonly pendingMax?: number;
  /** Silence of others after which `waiting` is told. @default 5000 */
  readonly waitingAfterMs?: Ms;
}
