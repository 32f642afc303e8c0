/**
 * An engine that forgets its conditions, and hangs when it is asked for a list.
 */
import type { OpenOptions } from "@quorate/conformance";
import type { Backend, KvStore } from "@quorate/core";
import { createMemoryStore, memoryBackend } from "@quorate/memory";

const store = createMemoryStore();

/** A fresh backend on the same store. */
export function backend(options: OpenOptions): Backend {
  const real = memoryBackend({ store, ...options });
  const kv: KvStore = {
    get: (key, call) => real.kv.get(key, call),
    put: (key, value) => real.kv.put(key, value),
    delete: (key, call) => real.kv.delete(key, call),
    list: () => ({
      [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }),
    }),
    watch: (target, call) => real.kv.watch(target, call),
  };
  return new Proxy(real, {
    get(target, name) {
      const value: unknown = name === "kv" ? kv : Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
