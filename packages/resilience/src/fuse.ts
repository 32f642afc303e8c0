/**
 * Guards that stand together, as one function around one `await`.
 *
 * In order in, in reverse order out. A guard that lets the call not pass is an end like any other
 * for those inside it (they were not asked) and no event at all for those outside it: they get
 * their permits back uncounted.
 *
 * Written for speed where it is read least: indices and a copied array of permits, because
 * iterators and arrays that grow cost more here than the guards themselves.
 */
import type { Guard, Next, Permit, Rescue } from "./layer.ts";
import type { LiveCall } from "./live-call.ts";

/** `inner` behind `guards`, outer to inner, and behind what `rescue` makes of a failure. */
export function fuse(guards: readonly Guard[], inner: Next, rescue?: Rescue): Next {
  const count = guards.length;
  if (count === 0 && rescue === undefined) return inner;
  if (count === 1 && rescue === undefined) return around(guards[0] as Guard, inner);
  const again = rescue === undefined ? inner : fuse(guards, inner);
  const settling = guards.some((guard) => guard.settle !== undefined);
  const noPermits: readonly Permit[] = guards.map(() => undefined);
  return async (call: LiveCall): Promise<unknown> => {
    const permits = noPermits.slice();
    let index = 0;
    rescue?.begin(call);
    try {
      for (; index < count; index++) {
        const permit = (guards[index] as Guard).enter(call);
        permits[index] = permit instanceof Promise ? await permit : permit;
      }
    } catch (error) {
      giveBack(guards, permits, index, call);
      if (rescue === undefined) throw error;
      return rescue.recover(call, error, again);
    }
    let value: unknown;
    try {
      value = await inner(call);
    } catch (error) {
      for (index = count - 1; index >= 0; index--) {
        (guards[index] as Guard).fail(permits[index], call, error);
      }
      if (settling) settle(guards, permits, call);
      if (rescue === undefined) throw error;
      return rescue.recover(call, error, again);
    }
    for (index = count - 1; index >= 0; index--) {
      (guards[index] as Guard).succeed(permits[index], call, value);
    }
    if (settling) settle(guards, permits, call);
    return value;
  };
}

/** One guard alone, as most policies are run: it needs no list of permits. */
function around(guard: Guard, inner: Next): Next {
  return async (call) => {
    const entered = guard.enter(call);
    const permit = entered instanceof Promise ? await entered : entered;
    let value: unknown;
    try {
      value = await inner(call);
    } catch (error) {
      guard.fail(permit, call, error);
      if (guard.settle !== undefined) settle([guard], [permit], call);
      throw error;
    }
    guard.succeed(permit, call, value);
    if (guard.settle !== undefined) settle([guard], [permit], call);
    return value;
  };
}

/** The guard at `refusedBy` said no, or its wait was ended: the work never began. */
function giveBack(
  guards: readonly Guard[],
  permits: readonly Permit[],
  refusedBy: number,
  call: LiveCall,
): void {
  for (let index = refusedBy - 1; index >= 0; index--) {
    const guard = guards[index] as Guard;
    guard.cancel(permits[index], call);
    guard.settle?.(permits[index], call);
  }
}

/** At once if the work has ended, else when it has: it may have outlived its deadline. */
function settle(guards: readonly Guard[], permits: readonly Permit[], call: LiveCall): void {
  const { leftovers } = call;
  if (leftovers === undefined || leftovers.size === 0) return settleNow(guards, permits, call);
  void Promise.all(leftovers).then(() => settleNow(guards, permits, call));
}

function settleNow(guards: readonly Guard[], permits: readonly Permit[], call: LiveCall): void {
  for (let index = guards.length - 1; index >= 0; index--) {
    (guards[index] as Guard).settle?.(permits[index], call);
  }
}
