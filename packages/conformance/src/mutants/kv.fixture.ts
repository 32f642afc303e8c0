/**
 * Defects of kv, as real engines have had them.
 */
import { type Change, type Entry, isQuorateError, QuorateError } from "@quorate/core";
import { filter, type Mutant, onKv, without } from "./tools.fixture.ts";

/** What the suite must find in a kv. */
export const ofKv: readonly Mutant[] = [
  {
    name: "compare-and-set is not compared",
    area: "put and get",
    mutate: onKv((kv) => ({ put: (k, v, o) => kv.put(k, v, without(o, "expect")) })),
  },
  {
    name: "a replay is told as a conflict",
    area: "put and get",
    mutate: onKv((kv) => ({
      async put(key, value, options) {
        const result = await kv.put(key, value, options);
        return result.ok && result.replayed ? { ok: false, current: result.entry } : result;
      },
    })),
  },
  {
    name: "a conflict does not show what is there",
    area: "put and get",
    mutate: onKv((kv) => ({
      async put(key, value, options) {
        const result = await kv.put(key, value, options);
        return result.ok ? result : { ok: false, current: undefined };
      },
    })),
  },
  {
    name: "revisions restart when a key is deleted",
    area: "delete",
    mutate: onKv((kv) => {
      const reborn = new Set<string>();
      return {
        async delete(key, options) {
          reborn.add(key);
          return kv.delete(key, options);
        },
        async put(key, value, options) {
          const result = await kv.put(key, value, options);
          if (!result.ok || !reborn.has(key)) return result;
          return { ...result, entry: { ...result.entry, revision: 1, createdRevision: 1 } };
        },
      };
    }),
  },
  {
    name: "retention is forgotten",
    area: "put and get",
    mutate: onKv((kv) => ({ put: (k, v, o) => kv.put(k, v, without(o, "ttlMs")) })),
  },
  {
    name: "delete does not compare",
    area: "delete",
    mutate: onKv((kv) => ({ delete: (k, o) => kv.delete(k, without(o, "expect")) })),
  },
  {
    name: "readers share one buffer",
    area: "put and get",
    mutate: onKv((kv) => {
      const buffers = new Map<string, Entry>();
      return {
        async get(key, options) {
          const entry = await kv.get(key, options);
          const before = buffers.get(key);
          if (entry === undefined || before?.revision === entry.revision) return before;
          buffers.set(key, entry);
          return entry;
        },
      };
    }),
  },
  {
    name: "a listing ends after its first page",
    area: "list",
    mutate: onKv((kv) => ({
      async *list(collection, options) {
        let count = 0;
        for await (const entry of kv.list(collection, options)) {
          if (count++ === (options?.pageSize ?? 500)) return;
          yield entry;
        }
      },
    })),
  },
  {
    name: "a watch skips deletes",
    area: "watch",
    mutate: onKv((kv) => ({
      watch: (target, o) => filter<Change>(kv.watch(target, o), ({ kind }) => kind !== "delete"),
    })),
  },
  {
    name: "a watch never says that its link is down",
    area: "watch",
    mutate: onKv((kv) => ({
      watch: (target, o) => filter<Change>(kv.watch(target, o), ({ kind }) => kind !== "stale"),
    })),
  },
  {
    name: "the prefix a/ takes ab/ too",
    area: "watch",
    mutate: onKv((kv) => ({
      watch(target, options) {
        const stem = target.endsWith("/") ? target.slice(0, -1) : target;
        return filter<Change>(kv.watch("", options), (change) => {
          if (change.kind === "put") return change.entry.key.startsWith(stem);
          return change.kind === "delete" ? change.key.startsWith(stem) : true;
        });
      },
    })),
  },
  {
    name: "a lost reply is asked again under a new operation id",
    area: "faults",
    mutate: onKv((kv) => ({
      async put(key, value, options) {
        try {
          return await kv.put(key, value, options);
        } catch (error) {
          if (!isQuorateError(error, "OUTCOME_UNKNOWN")) throw error;
          return kv.put(key, value, without(options, "operationId"));
        }
      },
    })),
  },
  {
    name: "resolve() guesses `none`",
    area: "faults",
    mutate: onKv((kv) => ({
      async put(key, value, options) {
        try {
          return await kv.put(key, value, options);
        } catch (error) {
          if (!isQuorateError(error, "OUTCOME_UNKNOWN")) throw error;
          const { details } = error;
          const resolve = async () => "none" as const;
          throw new QuorateError("OUTCOME_UNKNOWN", "lost", {
            effect: "unknown",
            details,
            resolve,
          });
        }
      },
    })),
  },
  {
    name: "an unanswered write is told as not done",
    area: "faults",
    mutate: onKv((kv) => ({
      async put(key, value, options) {
        try {
          return await kv.put(key, value, options);
        } catch (error) {
          if (!isQuorateError(error, "OUTCOME_UNKNOWN")) throw error;
          const details = { operation: "kv.put" };
          throw new QuorateError("STORE_UNAVAILABLE", "lost", { effect: "none", details });
        }
      },
    })),
  },
  {
    name: "calls have no deadline",
    area: "deadlines",
    mutate: onKv((kv) => ({ get: (k, o) => kv.get(k, { ...o, timeoutMs: 3_600_000 }) })),
  },
];
