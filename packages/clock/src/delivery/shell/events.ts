/**
 * What a group tells the world on the channel `quorate:delivery`: every notice, with the group and
 * the member that it concerns. Names and numbers only, never a payload; `handler-failed` carries
 * the handler's own error.
 */
import type { EventChannel, Runtime } from "@quorate/core";

import type { AgreementEffect } from "../agreement/effects.ts";
import type { StreamNotice } from "../fifo/effects.ts";
import type { MemberId } from "../member.ts";
import type { SequencerEffect } from "../sequencer/effects.ts";
import type { OrderName } from "./subjects.ts";

/** What concerns the streams below any order. */
export type BroadcastNotice = Exclude<StreamNotice, { readonly kind: "stranger" }>;

/** What concerns a sequencer's order. */
export type TotalOrderNotice =
  | BroadcastNotice
  | Extract<
      SequencerEffect,
      { readonly kind: "leading" | "deposed" | "entered" | "excluded" | "left-behind" }
    >;

/** What concerns an agreed order. */
export type AgreedOrderNotice =
  | BroadcastNotice
  | Extract<
      AgreementEffect,
      { readonly kind: "installed" | "excluded" | "behind" | "view-mismatch" | "waiting" }
    >;

/** Whom an event is about. */
export interface DeliverySubject {
  /** The order that the group is under. */
  readonly order: OrderName;
  /** Name of the group. */
  readonly group: string;
  /** Who tells it. */
  readonly self: MemberId;
}

/** `quorate:delivery`. */
export type DeliveryEvent = DeliverySubject &
  (
    | TotalOrderNotice
    | AgreedOrderNotice
    /** The user's handler or `onNotice` threw; what follows goes on. */
    | { readonly kind: "handler-failed"; readonly error: unknown }
    /** A frame was not handed to the bus; what it said is said again later. */
    | { readonly kind: "send-failed"; readonly error: unknown }
    /** Bytes that are no frame of ours, or of another version, came in and were dropped. */
    | { readonly kind: "malformed"; readonly bytes: number }
  );

/** The channel. */
export function deliveryEvents(runtime: Pick<Runtime, "events">): EventChannel<DeliveryEvent> {
  return runtime.events.channel<DeliveryEvent>("delivery");
}
