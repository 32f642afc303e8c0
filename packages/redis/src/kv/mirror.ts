/**
 * A mirror: what one watch knows of one partition, and what its reader is to be told.
 *
 * Changes and pages of a fresh read come by two connections in any order. Revisions put them
 * straight: what is older than what is known is no news. While the state is being read, ends are
 * remembered too, so that a page that was older than an end brings nothing back; when it has been
 * read, what was known and did not show up is gone.
 *
 * Pure: it is handed facts and answers with changes. Guarantees: per key revisions only grow.
 */
import type { Change, Entry, Revision } from "@quorate/core";

/** What is known of a key. */
interface Known {
  readonly revision: Revision;
  /** On the caller's monotonic clock; Infinity: for ever. */
  readonly endsMs: number;
}

type Reason = "deleted" | "expired" | "unknown";

/** State of one partition. */
export class Mirror {
  readonly #known = new Map<string, Known>();
  /** Keys that ended while the state is being read, with the revision of their end. */
  #ended: Map<string, Revision> | undefined;
  #unseen: Set<string> | undefined;

  /** Keys that are there. */
  get size(): number {
    return this.#known.size;
  }

  /** A read of the state begins. */
  beginRead(): void {
    this.#unseen = new Set(this.#known.keys());
    this.#ended = new Map();
  }

  /** The state has been read; `clock` is the partition's before the first page. */
  endRead(clock: Revision): readonly Change[] {
    const unseen = this.#unseen ?? new Set();
    this.#unseen = undefined;
    this.#ended = undefined;
    const changes: Change[] = [];
    for (const key of unseen) {
      const known = this.#known.get(key);
      if (known === undefined) continue;
      this.#known.delete(key);
      // Above what was told before, though the store may have forgotten when (a flush).
      const revision = Math.max(clock, known.revision + 1);
      changes.push({ kind: "delete", key, revision, reason: "unknown" });
    }
    return changes;
  }

  /** An entry is there, by a change or a read. */
  put(entry: Entry, endsMs: number): Change | undefined {
    const { key, revision } = entry;
    this.#unseen?.delete(key);
    const known = this.#known.get(key);
    if (known !== undefined && known.revision >= revision) {
      if (known.revision === revision) this.#known.set(key, { revision, endsMs });
      return undefined;
    }
    if ((this.#ended?.get(key) ?? 0) >= revision) return undefined;
    this.#known.set(key, { revision, endsMs });
    return { kind: "put", entry };
  }

  /** A key has ended, at `revision` at the latest. */
  end(key: string, revision: Revision, reason: Reason): Change | undefined {
    this.#ended?.set(key, revision);
    this.#unseen?.delete(key);
    const known = this.#known.get(key);
    if (known === undefined || known.revision > revision) return undefined;
    this.#known.delete(key);
    return { kind: "delete", key, revision, reason };
  }

  /** Revision of what is known of `key`. */
  revisionOf(key: string): Revision | undefined {
    return this.#known.get(key)?.revision;
  }

  /** Keys whose retention was over at `nowMs`, and when the next will be. */
  due(nowMs: number): { readonly keys: readonly string[]; readonly nextMs: number } {
    const keys: string[] = [];
    let nextMs = Infinity;
    for (const [key, { endsMs }] of this.#known) {
      if (endsMs <= nowMs) keys.push(key);
      else nextMs = Math.min(nextMs, endsMs);
    }
    return { keys, nextMs };
  }

  /** Forgets everything, without a word. */
  clear(): void {
    this.#known.clear();
  }
}
