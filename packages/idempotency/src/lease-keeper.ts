/**
 * When a run renews its lease, and when it must believe that it is lost.
 *
 * Renewed at a third of the lease, so that two more tries fit in; a try that failed is followed by
 * another no sooner than a twelfth later. The end is counted on this process's two clocks, from
 * before the last confirmed write left, less a margin: it comes before the store's.
 *
 * Sans-I/O: it is handed clock readings and says what is due.
 */
import { leaseLeftMs, type LeaseWindow, type Ms, type Time } from "@quorate/core";

const PERIODS_PER_LEASE = 3;
const TRIES_PER_LEASE = 12;
const TIMEOUTS_PER_LEASE = 6;
const MIN_SPACING_MS = 20;

/** What is due now. */
export type Due = "lost" | "renew" | "nothing";

type Clocks = Pick<Time, "monotonicMs" | "wallMs">;

/** The lease of one run. */
export class LeaseKeeper {
  readonly #leaseMs: Ms;
  #window: LeaseWindow;
  #renewAtMs: Ms;
  #isAsking = false;

  /** `window` was opened before the claim left. */
  constructor(leaseMs: Ms, window: LeaseWindow) {
    this.#leaseMs = leaseMs;
    this.#window = window;
    this.#renewAtMs = this.#dueAfter(window);
  }

  /** How long one try to renew, or to store an answer, may take. */
  get tryTimeoutMs(): Ms {
    return this.#leaseMs / TIMEOUTS_PER_LEASE;
  }

  /** What is left of the lease, by the clock on which less is left. */
  leftMs(time: Clocks): Ms {
    return leaseLeftMs(time, this.#window);
  }

  /** What is due now; a renewal counts as asked for from now on. */
  turn(time: Clocks): Due {
    if (this.leftMs(time) <= 0) return "lost";
    if (this.#isAsking || time.monotonicMs() < this.#renewAtMs) return "nothing";
    this.#isAsking = true;
    return "renew";
  }

  /** How long until something may be due. */
  pauseMs(time: Clocks): Ms {
    const leftMs = this.leftMs(time);
    const untilRenewalMs = this.#isAsking ? leftMs : this.#renewAtMs - time.monotonicMs();
    return Math.max(0, Math.min(leftMs, untilRenewalMs));
  }

  /** The store has confirmed: `window` was opened before the write left. */
  renewed(window: LeaseWindow): void {
    this.#window = window;
    this.#isAsking = false;
    this.#renewAtMs = this.#dueAfter(window);
  }

  /** The try failed, or nobody knows. */
  failed(time: Clocks): void {
    this.#isAsking = false;
    const spacingMs = Math.max(MIN_SPACING_MS, this.#leaseMs / TRIES_PER_LEASE);
    this.#renewAtMs = time.monotonicMs() + spacingMs;
  }

  #dueAfter(window: LeaseWindow): Ms {
    return window.validUntilMs - (this.#leaseMs * (PERIODS_PER_LEASE - 1)) / PERIODS_PER_LEASE;
  }
}
