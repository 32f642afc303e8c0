/**
 * What a family of events is: for each channel, what to do with what it tells.
 */

/** Hears one channel. */
export type Listener = (event: never) => void;

/** Listeners of one family. */
export interface Family {
  /** By channel, without `quorate:`. */
  readonly channels: Readonly<Record<string, Listener>>;
  /** Ends what is under way: nothing will be heard of it any more. */
  readonly close?: () => void;
}
