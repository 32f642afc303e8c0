/**
 * What every delivery machine asks of its shell: send this, tell the user that.
 *
 * No machine acts by itself. It answers each input with effects, in the order in which they are to
 * be carried out; the shell sends and tells, and a test reads them.
 */
import type { MemberId } from "../member.ts";
import type { Frame } from "../wire/frames.ts";

/** Send a frame: to all, or to one member. May be lost; the machines repair it. */
export interface SendEffect {
  readonly kind: "send";
  /** `undefined`: to all. */
  readonly to: MemberId | undefined;
  /** What to send: see `encodeFrame`. */
  readonly frame: Frame;
}

/** Something that the people who run the group may want to know, or must decide. */
export type StreamNotice =
  /** The first message taken from `member` will be number `from`; what is older is not for us. */
  | { readonly kind: "joined"; readonly member: MemberId; readonly from: number }
  /**
   * Messages `first` to `last` of `member` exist, and nobody who answers has them any more. What
   * comes after is held back until they turn up or `skip` gives them up.
   */
  | {
      readonly kind: "lost";
      readonly member: MemberId;
      readonly first: number;
      readonly last: number;
    }
  /** The same, but some were asked `attempts` times without any answer. Asking goes on. */
  | {
      readonly kind: "stalled";
      readonly member: MemberId;
      readonly first: number;
      readonly last: number;
      readonly attempts: number;
    }
  /** The hold-back buffer is full: message `seq` was put back, and will be asked for again. */
  | {
      readonly kind: "hold-back-full";
      readonly member: MemberId;
      readonly seq: number;
      readonly limit: number;
    }
  /** A frame came from somebody who is not in the view; it was ignored. */
  | { readonly kind: "stranger"; readonly member: MemberId };

/** What the stream machine asks for. */
export type StreamEffect = SendEffect | StreamNotice;
