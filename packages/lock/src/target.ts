/**
 * What a claim is for: a kind, a key, and the lease name that both make.
 *
 * Kinds live under different first segments (`lock/`, `semaphore/`, `rw/`), so a lock and a
 * semaphore of one name never meet.
 */
import { checkName } from "@quorate/core";

/** The kinds of lock. `read` and `write` share one lease name. */
export type LockKind = "lock" | "semaphore" | "read" | "write";

/** One thing that can be claimed. */
export interface Target {
  readonly kind: LockKind;
  /** As the caller knows it. */
  readonly key: string;
  /** As the store knows it. */
  readonly name: string;
  readonly weight: number;
  readonly capacity: number;
}

const FAMILIES = { lock: "lock", semaphore: "semaphore", read: "rw", write: "rw" } as const;

/** The target of `key` with its lease name, checked; weight 1 of capacity 1 unless given. */
export function target(
  kind: LockKind,
  prefix: string | undefined,
  key: string,
  share: { readonly weight: number; readonly capacity: number } = { weight: 1, capacity: 1 },
): Target {
  checkName("key", key);
  const family = FAMILIES[kind];
  const name = prefix === undefined ? `${family}/${key}` : `${family}/${prefix}/${key}`;
  // Again as a whole: the prefix takes its part of the longest name.
  checkName("key with its prefix", name);
  return { kind, key, name, weight: share.weight, capacity: share.capacity };
}

/** Whether nobody else can hold while this claim does: what a guard needs. */
export function isExclusive(claim: Pick<Target, "weight" | "capacity">): boolean {
  return claim.weight === claim.capacity;
}
