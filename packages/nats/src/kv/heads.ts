/**
 * What this process last knew of a subject: so that most writes need no read before them.
 *
 * A write must carry the sequence that it replaces and the revision that brought the key into
 * being. Whoever wrote a key last, or read it, knows both. Old knowledge costs a refused write and
 * a read, never a wrong one: the server compares.
 *
 * Bounded: the oldest knowledge is forgotten first.
 */
import type { Ms, Revision } from "@quorate/core";

/** What is known of a subject's last message. `fresh`: read just now, by this call. */
export type Head =
  | { readonly kind: "unknown" }
  /** No message at all. */
  | { readonly kind: "none" }
  /** A tombstone, or an entry past its retention: the key is not there, the message is. */
  | { readonly kind: "dead"; readonly seq: number }
  | {
      readonly kind: "live";
      readonly seq: number;
      readonly createdRevision: Revision;
      readonly operationId: string;
      /** Certainly alive until then, on the monotonic clock. */
      readonly aliveUntilMs: Ms;
    };

const MOST = 10_000;

/** Heads of one space. */
export class Heads {
  readonly #heads = new Map<string, Head>();

  /** What is known at `nowMs`; `unknown` where it may have expired since. */
  at(subject: string, nowMs: Ms): Head {
    const head = this.#heads.get(subject);
    if (head === undefined || (head.kind === "live" && nowMs >= head.aliveUntilMs)) {
      return { kind: "unknown" };
    }
    return head;
  }

  /** Takes note of what a watch brought, unless something newer is known. */
  hint(subject: string, head: Extract<Head, { seq: number }>): void {
    const known = this.#heads.get(subject);
    if (known !== undefined && "seq" in known && known.seq > head.seq) return;
    this.note(subject, head);
  }

  /**
   * Takes note of what the leader answered. Absence is not worth a place: a write that assumes it
   * costs no more.
   */
  note(subject: string, head: Head): void {
    this.#heads.delete(subject);
    if (head.kind === "none" || head.kind === "unknown") return;
    this.#heads.set(subject, head);
    if (this.#heads.size <= MOST) return;
    for (const oldest of this.#heads.keys()) {
      this.#heads.delete(oldest);
      return;
    }
  }

  /** The message with that sequence is gone from the server. */
  swept(subject: string, seq: number): void {
    const head = this.#heads.get(subject);
    if (head?.kind === "dead" && head.seq === seq) this.#heads.delete(subject);
  }
}
