/**
 * The guard: the resource's own memory of the newest holder, and its refusal of older ones.
 *
 * A lock cannot stop a process that was paused while holding it. What it is about to write arrives
 * long after another has taken over. So the resource keeps a floor, the greatest token that it has
 * seen, and refuses every smaller one, in the same atomic step as the write.
 *
 * Refusing on write alone is not enough: an old holder may still write between the new one's read
 * and write, and the new one then overwrites an acknowledged change. So `open` raises the floor
 * before the first read: from then on what was read cannot change behind the holder's back.
 *
 * Guarantees: no write with a token below the floor is applied; after `open`, no other holder's.
 * The same token is taken as often as it comes: a holder may write many times. The floor lives
 * with the data, for ever. Does not guarantee: anything about effects elsewhere (see `admit`).
 *
 * Kleppmann, "How to do distributed locking", 2016; the claim before the read is ours.
 */
import {
  checkName,
  type FenceRecord,
  type FencingToken,
  invalidArgument,
  type KvStore,
  knownOptions,
  position,
} from "@quorate/core";
import { type FenceCall, FenceStore } from "./fence-store.ts";
import { FencedHandle } from "./fenced-handle.ts";
import type { Fenced, TokenHolder } from "./fenced.ts";
import { demandTaken } from "./stale-token.ts";

/** Options of `createGuard`. */
export interface GuardOptions {
  /** Where the records live: `prefix/resource`. @default "fence" */
  readonly prefix?: string;
}

/** Floors and payloads of one kv. */
export interface Guard {
  /**
   * Opens `resource` for `holder`, shutting out all earlier ones *before* anything is read.
   *
   * @throws STALE_TOKEN a newer holder has opened it, or the store's tokens went back: see the
   *   message, and docs/fencing.md.
   * @throws LOCK_LOST the lock is over. INVALID_ARGUMENT a reader or a permit.
   */
  open(holder: TokenHolder, resource: string, call?: FenceCall): Promise<Fenced>;
  /**
   * For effects that are not a payload here: takes `token` if it is not below the floor, and raises
   * the floor to it. An effect elsewhere is another step: between the two a newer holder may come.
   *
   * @throws STALE_TOKEN it is below.
   */
  admit(resource: string, token: FencingToken, call?: FenceCall): Promise<void>;
  /** Floor and payload, without claiming: for readers and for people. */
  peek(resource: string, call?: FenceCall): Promise<FenceRecord | undefined>;
  /**
   * For an operator, after the store's clock was wrong: sets the floor to `floor` if it still is
   * `expected`, keeping the payload. HAZARD: a holder whose token lies between may write again, so
   * first make sure that none is alive.
   *
   * @throws STALE_TOKEN the floor is not `expected`; nothing was changed.
   */
  resetFloor(
    resource: string,
    change: { readonly expected: FencingToken; readonly floor: FencingToken },
    call?: FenceCall,
  ): Promise<void>;
}

/**
 * A guard over `kv`. One round trip per call where the engine fences natively (Redis), else two.
 *
 * @example
 * import { createGuard, createLocks } from "@quorate/lock";
 * import { memoryBackend } from "@quorate/memory";
 * const backend = memoryBackend();
 * const guard = createGuard(backend.kv);
 * await createLocks(backend).run("stock/42", async (lock) => {
 *   const stock = await guard.open(lock, "stock/42");
 *   const left = Number(Buffer.from((await stock.read()) ?? "10").toString());
 *   await stock.write(String(left - 1));
 * });
 */
export function createGuard(kv: KvStore, options: GuardOptions = {}): Guard {
  if (typeof kv?.put !== "function") {
    throw invalidArgument("kv", kv, "the kv of a backend, as backend.kv");
  }
  knownOptions("options", options, ["prefix"]);
  const prefix = checkName("prefix", options.prefix ?? "fence");
  const store = new FenceStore(kv);
  const keyOf = (resource: string): string => {
    checkName("resource", resource);
    return checkName("resource with its prefix", `${prefix}/${resource}`);
  };
  const admit: Guard["admit"] = async (resource, token, call) => {
    position("token", token);
    demandTaken(resource, token, await store.advance(keyOf(resource), token, undefined, call));
  };
  return {
    admit,
    async open(holder, resource, call) {
      const token = checkHolder(holder).check();
      position("holder.fencingToken", token);
      const key = keyOf(resource);
      const result = await store.advance(key, token, undefined, call);
      demandTaken(resource, token, result, stillHeld(holder));
      return new FencedHandle({ store, holder, key, resource });
    },
    async peek(resource, call) {
      return store.read(keyOf(resource), call);
    },
    async resetFloor(resource, change, call) {
      position("expected", change?.expected);
      position("floor", change.floor);
      const result = await store.reset(keyOf(resource), change.expected, change.floor, call);
      demandTaken(resource, change.expected, result);
    },
  };
}

function checkHolder(holder: TokenHolder): TokenHolder {
  if (typeof holder?.check !== "function") {
    throw invalidArgument("holder", holder, "a lock that is held, or a leader's term");
  }
  if (holder.exclusive === false) {
    throw invalidArgument("holder", "shared", "exclusive: a floor would shut out fellow holders");
  }
  return holder;
}

function stillHeld(holder: TokenHolder): boolean {
  try {
    holder.check();
    return true;
  } catch {
    return false;
  }
}
