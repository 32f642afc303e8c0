/**
 * A handler: how long it takes, as far as it matters for letting a call in.
 *
 * A call that has less time left than the handler's median has an even chance to be answered into
 * the void. A server that only drops what is already too late serves exactly those calls: each
 * dies while it runs, and the server is busy for nobody.
 *
 * The median is that of the last calls. It is forgotten when there is room and no call has ended
 * for a while: else one bad minute could leave a median over everybody's deadline, and since nobody
 * is let in, nobody would ever lower it. A server that has nothing to do has nothing to lose.
 */
import type { Ms } from "@quorate/core";

import type { Need } from "./bulkhead-places.ts";
import { RecentDurations } from "./percentile.ts";

/** Calls remembered: enough for a median, and soon forgotten. */
const WINDOW = 128;
/** Calls between two looks at the median: it moves slowly, and sorting is dear. */
const MEDIAN_EVERY = 32;
/** So long after the last news, what is known is old. */
const SILENCE_MS = 250;

/** One kind of work, with its recent median. */
export class Handler implements Need {
  /** Its name in events; empty: none of its own. */
  readonly method: string;
  readonly #margin: number;
  #recent: RecentDurations | undefined = undefined;
  #medianMs: Ms | undefined = undefined;
  /** Calls since the median was looked at. */
  #unseen = 0;
  #newsMs: Ms = 0;

  constructor(method: string, margin: number) {
    this.method = method;
    this.#margin = margin;
  }

  /** The recent median; 0 as long as too little is known. */
  get medianMs(): Ms {
    if (this.#unseen >= MEDIAN_EVERY || this.#medianMs === undefined) {
      this.#medianMs = this.#recent?.percentile(0.5);
      this.#unseen = 0;
    }
    return this.#medianMs ?? 0;
  }

  /** A call that took `durationMs` has ended at `nowMs`. */
  ended(durationMs: Ms, nowMs: Ms): void {
    this.#recent ??= new RecentDurations(WINDOW);
    this.#recent.add(durationMs);
    this.#unseen += 1;
    this.#newsMs = nowMs;
  }

  /** There is room at `nowMs`: what is old must not keep anybody out. */
  hasRoom(nowMs: Ms): void {
    if (nowMs - this.#newsMs > SILENCE_MS) this.#recent = this.#medianMs = undefined;
  }

  /** Least time that a call must have left. */
  needMs(): Ms {
    return this.#margin * this.medianMs;
  }
}
