/**
 * What watchers are not told.
 */
import type { Specimen } from "../specimen.ts";

const WATCH = "packages/memory/src/handle/kv-watch.ts";
const joined = "2026-11-21";

/** Bugs of watches. */
export const WATCHES: readonly Specimen[] = [
  {
    name: "last-change-lost-at-reconnect",
    story: "After an outage only keys that are new are told, not those that changed.",
    edits: [
      {
        file: WATCH,
        find: "if (before !== record.revision) this.#tellPut(record, state.nowMs);",
        replace: "if (before === undefined) this.#tellPut(record, state.nowMs);",
      },
    ],
    foundBy: { scenario: "watch", engine: "memory", profile: "lossy", seeds: 60 },
    joined,
  },
  {
    name: "deletion-lost-at-reconnect",
    story: "What went during an outage is never told to be gone.",
    edits: [
      {
        file: WATCH,
        find: 'if (!alive.has(key)) this.#tellEnd(key, revision + 1, "unknown");',
        replace: "void alive, key, revision;",
      },
    ],
    foundBy: { scenario: "watch", engine: "memory", profile: "lossy", seeds: 60 },
    joined,
  },
  {
    name: "expiry-not-told",
    story: "Deletions are told, expiries only happen.",
    edits: [
      {
        file: "packages/memory/src/store/space.ts",
        find: "for (const change of this.#kv.expire(now)) this.#tellKv(change);",
        replace: "this.#kv.expire(now);",
      },
    ],
    foundBy: { scenario: "watch", engine: "memory", profile: "calm", seeds: 5 },
    joined,
  },
  {
    name: "end-coalesced-away",
    story: "An unread change is taken back when the key goes, although the reader knows the key.",
    edits: [
      {
        file: WATCH,
        find: "if (before.isNews && this.feed.retract(key)) return;",
        replace: "if (this.feed.retract(key)) return;",
      },
    ],
    foundBy: { scenario: "watch", engine: "memory", profile: "calm", seeds: 20 },
    joined,
  },
  {
    name: "feed-that-loses-the-last",
    story: "Of two unread changes of one key the older is kept.",
    edits: [
      {
        file: "packages/core/src/feed.ts",
        find: "if (reader === undefined) this.#unread.set(key, event);",
        replace: "if (reader === undefined) this.#unread.set(key, this.#unread.get(key) ?? event);",
      },
    ],
    foundBy: { scenario: "watch", engine: "memory", profile: "calm", seeds: 20 },
    joined,
  },
  {
    name: "dead-holder-not-told",
    story: "Over kv nobody writes when a holder dies; the watcher has to count, and does not.",
    edits: [
      {
        file: "packages/core/src/leases-over-kv/watch.ts",
        find: "this.#arm(sinceMs + holder.ttlMs);\n    }",
        replace: "}",
      },
    ],
    foundBy: { scenario: "lease-watch", engine: "nats", profile: "calm", seeds: 3 },
    joined,
  },
];
