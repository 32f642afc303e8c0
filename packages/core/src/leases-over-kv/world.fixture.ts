/**
 * A scripted world with one store, and helpers that move its time until a call settles.
 */
import type { Grant, LeaseStore, Refusal } from "../index.ts";
import { ScriptedRuntime } from "../testing.ts";
import { leasesOverKv, type LeasesOverKvOptions } from "./leases-over-kv.ts";
import { TestLink, TestStore } from "./test-kv.fixture.ts";

/** A store, and a way to join it as one more process. */
export interface World {
  readonly runtime: ScriptedRuntime;
  readonly store: TestStore;
  join(options?: Partial<LeasesOverKvOptions>): { link: TestLink; leases: LeaseStore };
}

/** An empty world. */
export function world(): World {
  const runtime = new ScriptedRuntime();
  const store = new TestStore();
  return {
    runtime,
    store,
    join: (options = {}) => {
      const link = new TestLink(store, runtime);
      return { link, leases: leasesOverKv(link, { ...options, runtime }) };
    },
  };
}

/** What `promise` settles with within `ms` of scripted time; throws if it does not. */
export async function settled<T>(
  runtime: ScriptedRuntime,
  promise: Promise<T>,
  ms = 20,
): Promise<T> {
  let outcome: { value: T } | { error: unknown } | undefined;
  promise.then(
    (value) => (outcome = { value }),
    (error: unknown) => (outcome = { error }),
  );
  await runtime.advance(ms);
  if (outcome === undefined) throw new Error(`not settled within ${ms} ms`);
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}

/** The grant of a claim; throws if it was refused or did not settle in time. */
export async function granted(
  runtime: ScriptedRuntime,
  claim: Promise<Grant | Refusal>,
  ms = 20,
): Promise<Grant> {
  const answer = await settled(runtime, claim, ms);
  if (!answer.granted) throw new Error("the claim was refused");
  return answer;
}
