/**
 * The runtime: time, chance, ids and events, handed in instead of reached for.
 *
 * Nothing in Quorate reads a clock, sets a timer, draws a number or makes an id except through
 * this interface. Hence one and the same code runs in production, in unit tests with scripted
 * time, and in the simulator at thousands of times real speed.
 *
 * Two clocks, never mixed: `monotonicMs` for durations (it cannot be set back, and stands still
 * while a machine sleeps), `wallMs` for people, for tokens, and as a second opinion on whether
 * the machine slept.
 */

/** Everything that a primitive may ask of the world besides its backend. */
export interface Runtime {
  readonly time: Time;
  readonly random: Random;
  readonly ids: Ids;
  readonly events: Events;
}

/** Clocks and timers. All values in milliseconds, fractions allowed. */
export interface Time {
  /** Milliseconds since an arbitrary start. Never goes back. Use it for every duration. */
  monotonicMs(): number;
  /** Milliseconds since 1970-01-01 UTC. May jump either way; never measure a duration with it. */
  wallMs(): number;
  /** Calls `callback` once, no sooner than `delayMs` from now, and never in this turn. */
  setTimer(delayMs: number, callback: () => void, options?: TimerOptions): Timer;
}

/** How a timer treats the process around it. */
export interface TimerOptions {
  /** Whether the process stays alive for it: yes for a wait, no for upkeep. @default true */
  readonly keepAlive?: boolean;
  /**
   * With no delay: in the very next turn of the loop. Without this it may take a millisecond, which
   * keeps whoever tries again at once from spinning. @default false
   */
  readonly immediate?: boolean;
}

/** A timer that has been set. */
export interface Timer {
  /** Forgets the callback. After it fired, or twice, it does nothing. */
  cancel(): void;
}

/** Chance. Seeded in tests, so that a failure can be replayed. */
export interface Random {
  /** Uniform in [0, 1). For jitter and choice, not for secrets. */
  next(): number;
  /** `length` uniform bytes. */
  bytes(length: number): Uint8Array;
}

/** Names that nobody else has. */
export interface Ids {
  /** A UUID version 7 (RFC 9562): 36 characters, sorts by time of birth. */
  unique(): string;
  /** Cheap id of one operation: unique to this runtime, 24 characters of `[0-9a-z]`. */
  operation(): string;
}

/** Where events go: by default to `node:diagnostics_channel`. */
export interface Events {
  /**
   * The channel called `quorate:<name>`, the same object on each call. Look it up once, then guard
   * each publish by `hasSubscribers`: an event that nobody hears costs one property read.
   */
  channel<T extends object>(name: string): EventChannel<T>;
}

/** One stream of events. */
export interface EventChannel<T extends object> {
  readonly hasSubscribers: boolean;
  /** Tells all subscribers, at once and in turn. */
  publish(event: T): void;
}
