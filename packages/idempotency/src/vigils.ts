/**
 * Watching records of other processes' runs: one watch per key, however many wait for it.
 *
 * A watch tells soon, and a timer tells surely: whoever waits looks again at the lease's end
 * whatever the watch says. So a watch that breaks costs time, never an answer.
 */
import type { Change, KvStore, Revision } from "@quorate/core";
import { type Found, readFound } from "./desk.ts";

/** What a watch has to say: a record, or that one should look. */
export type News =
  | { readonly kind: "record"; readonly found: Found; readonly revision: Revision }
  | { readonly kind: "look"; readonly revision: Revision };

type Listener = (news: News) => void;

/** The watches of one `Idempotency`. */
export class Vigils {
  readonly #kv: KvStore;
  readonly #vigils = new Map<string, Vigil>();

  constructor(kv: KvStore) {
    this.#kv = kv;
  }

  /** Tells `listener` of what comes to be at `storeKey`. Returns the way to stop. */
  watch(storeKey: string, key: string, listener: Listener): () => void {
    let vigil = this.#vigils.get(storeKey);
    if (vigil === undefined || vigil.isOver) {
      vigil = new Vigil(this.#kv, storeKey, key);
      this.#vigils.set(storeKey, vigil);
    }
    const joined = vigil;
    const leave = joined.join(listener);
    return () => {
      leave();
      if (joined.isOver && this.#vigils.get(storeKey) === joined) this.#vigils.delete(storeKey);
    };
  }
}

/** One watch and those who listen. */
class Vigil {
  readonly #key: string;
  readonly #storeKey: string;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<Listener>();
  #latest: News | undefined;
  #isSynced = false;
  #isBroken = false;

  constructor(kv: KvStore, storeKey: string, key: string) {
    this.#key = key;
    this.#storeKey = storeKey;
    this.#follow(kv).catch(() => {
      this.#isBroken = true; // Those who wait have their timers.
    });
  }

  /** Nobody may join any more. */
  get isOver(): boolean {
    return this.#isBroken || this.#stop.signal.aborted;
  }

  join(listener: Listener): () => void {
    const member: Listener = (news) => listener(news); // Its own identity: one may join twice.
    this.#listeners.add(member);
    // A newcomer has just looked, but what the watch knows may be newer: it compares revisions.
    const latest = this.#latest;
    if (latest !== undefined) queueMicrotask(() => this.#listeners.has(member) && member(latest));
    return () => {
      if (this.#listeners.delete(member) && this.#listeners.size === 0) this.#stop.abort();
    };
  }

  async #follow(kv: KvStore): Promise<void> {
    const { signal } = this.#stop;
    for await (const change of kv.watch(this.#storeKey, { signal })) {
      const news = this.#newsOf(change);
      if (news === undefined) continue;
      if (news.revision !== Infinity) this.#latest = news;
      for (const listener of [...this.#listeners]) listener(news);
    }
  }

  #newsOf(change: Change): News | undefined {
    switch (change.kind) {
      case "put": {
        const { entry } = change;
        const { revision } = entry;
        try {
          return { kind: "record", found: readFound(entry, this.#key), revision };
        } catch {
          return { kind: "look", revision }; // Whoever looks is told what is wrong with it.
        }
      }
      case "delete":
        return { kind: "look", revision: change.revision };
      case "synced": {
        const isEmpty = !this.#isSynced && this.#latest === undefined;
        this.#isSynced = true;
        // The state has been told, and there was nothing: it is gone already.
        return isEmpty ? { kind: "look", revision: Infinity } : undefined;
      }
      case "stale":
        return undefined;
    }
  }
}
