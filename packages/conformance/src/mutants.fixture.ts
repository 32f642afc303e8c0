/**
 * Backends with one defect each, as real engines have had them. The suite must find every one.
 */
import {
  type Backend,
  type Change,
  type Entry,
  type Grant,
  isQuorateError,
  type KvStore,
  type LeaseStore,
  type MessageBus,
  QuorateError,
  sleep,
} from "@quorate/core";

/** A defect, and the area whose cases should find it. */
export interface Mutant {
  readonly name: string;
  readonly area: string;
  /** The backend with the defect. Called once per backend opened. */
  readonly mutate: (backend: Backend) => Backend;
}

/** `target` with some members replaced. */
function patch<T extends object>(target: T, members: Partial<T>): T {
  return new Proxy(target, {
    get(original, property) {
      if (Object.hasOwn(members, property)) return members[property as keyof T];
      const member: unknown = Reflect.get(original, property);
      return typeof member === "function" ? (member.bind(original) as unknown) : member;
    },
  });
}

function onKv(change: (kv: KvStore) => Partial<KvStore>): Mutant["mutate"] {
  return (backend) => patch(backend, { kv: patch(backend.kv, change(backend.kv)) });
}

function onLeases(change: (leases: LeaseStore, backend: Backend) => Partial<LeaseStore>) {
  return (backend: Backend): Backend =>
    patch(backend, { leases: patch(backend.leases, change(backend.leases, backend)) });
}

function onBus(change: (bus: MessageBus, backend: Backend) => Partial<MessageBus>) {
  return (backend: Backend): Backend =>
    patch(backend, { bus: patch(backend.bus, change(backend.bus, backend)) });
}

/** `options` without some members. */
function without<T extends object>(options: T | undefined, ...names: (keyof T)[]): T {
  const copy = { ...options } as T;
  for (const name of names) delete copy[name];
  return copy;
}

/** Not a generator: leaving one would wait for the event that it is waiting for. */
function filter<T>(
  source: AsyncIterableIterator<T>,
  keep: (item: T) => boolean,
): AsyncIterableIterator<T> {
  const filtered: AsyncIterableIterator<T> = {
    async next() {
      for (;;) {
        const result = await source.next();
        if (result.done === true || keep(result.value)) return result;
      }
    },
    return: () => source.return?.() ?? Promise.resolve({ done: true, value: undefined }),
    [Symbol.asyncIterator]: () => filtered,
  };
  return filtered;
}

const ofKv: readonly Mutant[] = [
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

const ofLeases: readonly Mutant[] = [
  {
    name: "release frees whoever holds",
    area: "leases",
    mutate: onLeases((leases) => ({
      async release(grant, options) {
        const { holders } = await leases.inspect(grant.name);
        const owner = holders[0]?.owner ?? grant.owner;
        return leases.release({ name: grant.name, owner }, options);
      },
    })),
  },
  {
    name: "the line is not first come, first served",
    area: "lease queue",
    mutate: onLeases((leases) => ({ acquire: (n, r) => leases.acquire(n, { ...r, fair: false }) })),
  },
  {
    name: "a token is used again",
    area: "leases",
    mutate: onLeases((leases) => {
      const tokens = new Map<string, number>();
      return {
        async acquire(name, request) {
          const answer = await leases.acquire(name, request);
          if (!answer.granted) return answer;
          const fencingToken = tokens.get(name) ?? answer.fencingToken;
          tokens.set(name, fencingToken);
          return { ...answer, fencingToken };
        },
      };
    }),
  },
  {
    name: "a renewal brings back what had ended",
    area: "leases",
    mutate: onLeases((leases) => ({
      async renew(grants, options) {
        const answers = await leases.renew(grants, options);
        const revive = async ({ name, owner, ttlMs }: Grant) =>
          (await leases.acquire(name, { owner, ttlMs })).granted ? "renewed" : "lost";
        return Promise.all(
          grants.map((grant, index) => (answers[index] === "lost" ? revive(grant) : "renewed")),
        );
      },
    })),
  },
  {
    name: "renewal is all or nothing",
    area: "leases",
    mutate: onLeases((leases) => ({
      async renew(grants, options) {
        const answers = await leases.renew(grants, options);
        return answers.includes("lost") ? answers.map(() => "lost") : answers;
      },
    })),
  },
  {
    name: "an aborted waiter stays in line",
    area: "lease queue",
    mutate: onLeases((leases) => ({
      acquire(name, request) {
        const { signal } = request;
        const inner = leases.acquire(name, without(request, "signal"));
        return new Promise((resolve, reject) => {
          signal?.addEventListener("abort", () => reject(signal.reason));
          inner.then(resolve, reject);
        });
      },
    })),
  },
  {
    name: "weights are not counted",
    area: "weights",
    mutate: onLeases((leases) => ({
      acquire: (n, r) => leases.acquire(n, { ...r, weight: 1 }),
    })),
  },
  {
    name: "an expired lease is told as released",
    area: "leases",
    mutate: onLeases((leases) => ({
      async release(grant, options) {
        await leases.release(grant, options);
        return "released";
      },
    })),
  },
  {
    name: "the holder's deadline counts from the answer, without margin",
    area: "leases",
    mutate: onLeases((leases, { runtime }) => ({
      async acquire(name, request) {
        const answer = await leases.acquire(name, request);
        if (!answer.granted) return answer;
        return { ...answer, validUntilMs: runtime.time.monotonicMs() + request.ttlMs + 1 };
      },
    })),
  },
];

const ofBus: readonly Mutant[] = [
  {
    name: "nobody is told that nobody listens",
    area: "bus",
    mutate: onBus((bus, { runtime }) => ({
      async request(subject, data, options) {
        try {
          return await bus.request(subject, data, options);
        } catch (error) {
          if (!isQuorateError(error, "NO_RESPONDERS")) throw error;
          await sleep(runtime, options.timeoutMs);
          const details = { operation: "bus.request", timeoutMs: options.timeoutMs };
          throw new QuorateError("TIMEOUT", "no answer", { effect: "unknown", details });
        }
      },
    })),
  },
  {
    name: "every member of a queue gets every message",
    area: "bus",
    mutate: onBus((bus) => ({ subscribe: (s, h, o) => bus.subscribe(s, h, without(o, "queue")) })),
  },
  {
    name: "messages overtake each other",
    area: "bus",
    mutate: onBus((bus) => {
      let count = 0;
      return {
        async publish(subject, data, options) {
          if (count++ % 10 === 5) await Promise.resolve();
          return bus.publish(subject, data, options);
        },
      };
    }),
  },
  {
    name: "a handler that fails ends its subscription",
    area: "bus, finer",
    mutate: onBus((bus) => ({
      async subscribe(subject, handler, options) {
        const subscription = await bus.subscribe(
          subject,
          async (message) => {
            try {
              await handler(message);
            } catch {
              void subscription.close();
            }
          },
          options,
        );
        return subscription;
      },
    })),
  },
  {
    name: "headers are lost",
    area: "bus",
    mutate: onBus((bus) => ({ publish: (s, d, o) => bus.publish(s, d, without(o, "headers")) })),
  },
  {
    name: "a closed backend goes on listening",
    area: "bus, finer",
    mutate: (backend) => patch(backend, { close: async () => {} }),
  },
];

/** Every defect that the suite must find. */
export const mutants: readonly Mutant[] = [...ofKv, ...ofLeases, ...ofBus];
