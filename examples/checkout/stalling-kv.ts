/**
 * A kv whose next write stalls before it leaves the process.
 *
 * The worst moment for a pause: every check of the holder's own has passed, the request is about
 * to go out, and goes out when it wakes, long after somebody else has taken over. No look at a
 * clock can help against that; only the one who receives the write can.
 */
import type { FencedWrites, KvStore } from "@quorate/core";

/** A kv, and the switch that arms the stall. */
export interface StallingKv {
  readonly kv: KvStore;
  /** The next write waits for `stall` first. */
  arm(stall: () => Promise<void>): void;
}

/** Wraps `kv`. */
export function stallingKv(kv: KvStore): StallingKv {
  let armed: (() => Promise<void>) | undefined;
  const passStall = async (): Promise<void> => {
    const stall = armed;
    armed = undefined;
    await stall?.();
  };
  const { fenced } = kv;
  return {
    arm(stall) {
      armed = stall;
    },
    kv: {
      get: (key, options) => kv.get(key, options),
      delete: (key, options) => kv.delete(key, options),
      list: (collection, options) => kv.list(collection, options),
      watch: (target, options) => kv.watch(target, options),
      async put(key, value, options) {
        await passStall();
        return kv.put(key, value, options);
      },
      ...(fenced !== undefined && { fenced: stallingWrites(fenced, passStall) }),
    },
  };
}

function stallingWrites(fenced: FencedWrites, passStall: () => Promise<void>): FencedWrites {
  return {
    raise: (key, token, options) => fenced.raise(key, token, options),
    async write(key, token, payload, options) {
      await passStall();
      return fenced.write(key, token, payload, options);
    },
  };
}
