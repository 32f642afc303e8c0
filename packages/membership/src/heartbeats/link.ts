/**
 * The link to the bus, as one member can judge it: does what it says go out, and does it hear
 * anything at all?
 *
 * A member hears its own heartbeats like everybody's, and expects them like everybody's: while they
 * do not come back, its subscription is dead or its messages do not go out, and the silence of
 * others says nothing. An onlooker says nothing and cannot tell.
 */
import type { Ms } from "@quorate/core";
import type { FailureDetector } from "../detectors/detector.ts";

/** One member's link. */
export class Link {
  readonly #detector: FailureDetector;
  readonly #self: string | undefined;
  #isRefused = false;
  #goodMs: Ms;
  #echoMs: Ms;

  constructor(detector: FailureDetector, self: string | undefined, nowMs: Ms) {
    this.#detector = detector;
    this.#self = self;
    this.#goodMs = nowMs;
    this.#echoMs = self === undefined ? Infinity : -Infinity;
  }

  /** From now on our heartbeats should come back. */
  begin(): void {
    if (this.#self !== undefined) this.#detector.expect(this.#self);
  }

  /** When it was last known good. */
  get goodMs(): Ms {
    return this.#goodMs;
  }

  /** When we last heard ourselves. -Infinity: never so far; Infinity: we say nothing. */
  get echoMs(): Ms {
    return this.#echoMs;
  }

  /** Whether silence says nothing. */
  get isBlind(): boolean {
    if (this.#isRefused) return true;
    return this.#self !== undefined && this.#detector.status(this.#self) === "suspect";
  }

  /** The bus took a heartbeat, or did not. */
  sent(isTaken: boolean): void {
    this.#isRefused = !isTaken;
  }

  /** Our own heartbeat came back. */
  echoed(seq: number, nowMs: Ms): void {
    if (this.#self === undefined) return;
    this.#detector.heartbeat(this.#self, { seq });
    this.#goodMs = nowMs;
    this.#echoMs = nowMs;
  }

  /** We say nothing any more, so nothing comes back. */
  retire(): void {
    if (this.#self !== undefined) this.#detector.forget(this.#self);
    this.#isRefused = false;
    this.#echoMs = Infinity;
  }
}
