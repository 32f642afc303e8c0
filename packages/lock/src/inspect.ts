/**
 * Who holds, who waits: for people on call.
 *
 * Informative only. By the time the answer arrives it may be out of date; never decide by it.
 */
import type { FencingToken, Ms } from "@quorate/core";
import type { Keeper } from "./keeper.ts";
import type { Target } from "./target.ts";

/** One who holds a lock. */
export interface LockHolder {
  /** Random name of the claim. */
  readonly owner: string;
  readonly fencingToken: FencingToken;
  readonly weight: number;
  /** What is left of the lease on the store's clock. */
  readonly expiresInMs: Ms;
  readonly label?: string;
}

/** One who waits for a lock. */
export interface LockWaiter {
  readonly owner: string;
  readonly weight: number;
  readonly label?: string;
}

/** A lock as the store saw it. */
export interface LockState {
  readonly key: string;
  /** In order of their tokens. */
  readonly holders: readonly LockHolder[];
  /** In order of the line; at most the first 1000. */
  readonly waiters: readonly LockWaiter[];
}

/** What the store knows of `target`. */
export async function inspectName(
  keeper: Keeper,
  target: Target,
  call: { readonly signal?: AbortSignal } = {},
): Promise<LockState> {
  const state = await keeper.inspect(target, call.signal);
  return {
    key: target.key,
    holders: state.holders.map(({ data, ...holder }) => ({ ...holder, ...labelled(data) })),
    waiters: state.waiters.map(({ data, ...waiter }) => ({ ...waiter, ...labelled(data) })),
  };
}

function labelled(data: string | undefined): { readonly label?: string } {
  return data === undefined ? {} : { label: data };
}
