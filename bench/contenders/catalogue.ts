/**
 * The contenders by name, loaded when asked for: a process that measures one library's memory must
 * not carry the others.
 */
import type { Contender, ContenderId } from "./contender.ts";

const LOADERS: Record<ContenderId, () => Promise<Contender>> = {
  raw: async () => (await import("./raw.ts")).raw,
  redlock4: async () => (await import("./redlock4.ts")).redlock4,
  redlock5: async () => (await import("./redlock5.ts")).redlock5,
  "redlock5-fast": async () => (await import("./redlock5.ts")).redlock5Fast,
  "redis-semaphore": async () => (await import("./redis-semaphore.ts")).redisSemaphore,
  universal: async () => (await import("./redlock-universal.ts")).universal,
  "universal-lean": async () => (await import("./redlock-universal.ts")).universalLean,
  quorate: async () => (await import("./quorate.ts")).quorate,
};

/** Ours. */
export const OURS: ContenderId = "quorate";

/** Every contender with its own defaults, ours first. */
export const ALL: readonly ContenderId[] = [
  OURS,
  "raw",
  "redis-semaphore",
  "redlock5",
  "redlock4",
  "universal",
  "universal-lean",
];

/** The contender called `id`. */
export function load(id: ContenderId): Promise<Contender> {
  return LOADERS[id]();
}

/** Several, in the order given. */
export function loadAll(ids: readonly ContenderId[]): Promise<Contender[]> {
  return Promise.all(ids.map(load));
}
