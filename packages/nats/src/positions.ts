/**
 * Revisions out of sequence numbers.
 *
 *     revision = the stream's birth in µs + 2 × sequence
 *
 * A stream made anew starts again at sequence 1; its birth, which is later, keeps revisions
 * growing as long as a stream takes fewer than half a million messages a second over its life.
 * Safe integers until the year 2255. Twice, because some ends have no message of their own (an
 * expiry, a deletion that fell into a disconnect): they get the odd number after the last write.
 *
 * A pure machine. It is told what was seen and says what that means: the same stream, a new one,
 * or the same one gone back in time (a restored backup, writes lost with the disk cache).
 *
 * HAZARD: a stream deleted and created again by a server whose clock is behind the first birth
 * plus its messages gives smaller revisions; `rewound` says so where this process has seen more.
 */
import type { Revision } from "@quorate/core";

/** What looking at the stream means. */
export type Observation =
  | { readonly kind: "same" }
  | { readonly kind: "new" }
  | { readonly kind: "rewound"; readonly seen: Revision; readonly found: Revision };

/** What had been seen at some moment: an answer is judged by when its question left. */
export interface Mark {
  readonly birthUs: number | undefined;
  readonly highestSeq: number;
}

/** Positions of one stream, as far as seen. */
export class Positions {
  #birthUs: number | undefined;
  #highestSeq = 0;

  /** What has been seen so far. Take it before a question leaves. */
  mark(): Mark {
    return { birthUs: this.#birthUs, highestSeq: this.#highestSeq };
  }

  /**
   * The stream was looked at, by a question that left at `mark`. One of the same birth is never
   * called rewound here: a new leader may still be catching up when it is asked.
   */
  observeStream(birthUs: number, lastSeq: number, mark: Mark): Observation {
    if (this.#birthUs === birthUs) {
      this.observeSeq(lastSeq);
      return { kind: "same" };
    }
    this.#birthUs = birthUs;
    this.#highestSeq = lastSeq;
    if (mark.birthUs === undefined) return { kind: "same" };
    const seen = mark.birthUs + 2 * mark.highestSeq;
    const found = birthUs + 2 * lastSeq;
    return found < seen ? { kind: "rewound", seen, found } : { kind: "new" };
  }

  /**
   * True where a message stored by a publication that left at `mark` got a sequence that this
   * stream had given before: it is another stream, or the same one gone back.
   */
  isBehind(seq: number, mark: Mark): boolean {
    return this.#birthUs === mark.birthUs && seq <= mark.highestSeq;
  }

  /** A message of the present stream was seen. */
  observeSeq(seq: number): void {
    if (seq > this.#highestSeq) this.#highestSeq = seq;
  }

  /** The stream did go back, to `seq`, and somebody was told: what is seen counts from there. */
  rewind(seq: number): void {
    this.#highestSeq = seq;
  }

  /** Revision of a sequence of the present stream. */
  revisionOf(seq: number): Revision {
    return (this.#birthUs ?? 0) + 2 * seq;
  }
}

/** Revision of an end that has no message: after the last write, before any to come. */
export function endRevision(last: Revision): Revision {
  return last + 1;
}

const TIMESTAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** Microseconds since 1970 of a server's RFC 3339 time; `undefined` for anything else. */
export function parseTimeUs(text: string): number | undefined {
  const match = TIMESTAMP.exec(text);
  if (match === null) return undefined;
  const seconds = Date.parse(`${match[1]}${match[3]}`);
  if (!Number.isFinite(seconds)) return undefined;
  return seconds * 1_000 + Number((match[2] ?? "").padEnd(6, "0").slice(0, 6));
}
