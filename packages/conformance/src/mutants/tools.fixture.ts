/**
 * How a defect is put into a backend: some members replaced, the others as they were.
 */
import type { Backend, KvStore, LeaseStore, MessageBus } from "@quorate/core";

/** A defect, and the area whose cases should find it. */
export interface Mutant {
  readonly name: string;
  readonly area: string;
  /** The backend with the defect. Called once per backend opened. */
  readonly mutate: (backend: Backend) => Backend;
}

/** `target` with some members replaced. */
export function patch<T extends object>(target: T, members: Partial<T>): T {
  return new Proxy(target, {
    get(original, property) {
      if (Object.hasOwn(members, property)) return members[property as keyof T];
      const member: unknown = Reflect.get(original, property);
      return typeof member === "function" ? (member.bind(original) as unknown) : member;
    },
  });
}

/** A defect of kv. */
export function onKv(change: (kv: KvStore) => Partial<KvStore>): Mutant["mutate"] {
  return (backend) => patch(backend, { kv: patch(backend.kv, change(backend.kv)) });
}

/** A defect of leases. */
export function onLeases(change: (leases: LeaseStore, backend: Backend) => Partial<LeaseStore>) {
  return (backend: Backend): Backend =>
    patch(backend, { leases: patch(backend.leases, change(backend.leases, backend)) });
}

/** A defect of the bus. */
export function onBus(change: (bus: MessageBus, backend: Backend) => Partial<MessageBus>) {
  return (backend: Backend): Backend =>
    patch(backend, { bus: patch(backend.bus, change(backend.bus, backend)) });
}

/** `options` without some members. */
export function without<T extends object>(options: T | undefined, ...names: (keyof T)[]): T {
  const copy = { ...options } as T;
  for (const name of names) delete copy[name];
  return copy;
}

/** Not a generator: leaving one would wait for the event that it is waiting for. */
export function filter<T>(
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
