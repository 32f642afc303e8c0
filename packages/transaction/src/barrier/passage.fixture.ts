/**
 * A barrier on a store in memory, in scripted time.
 */
import { isQuorateError } from "@quorate/core";

import { type TestProcess, World } from "../kernel/world.fixture.ts";
import type { Barrier } from "./barrier.ts";
import { createBarrier } from "./create-barrier.ts";
import type { BarrierOptions } from "./options.ts";

/** Keys of a saga's step, and its branch. */
export const DO: string = "order-7/charge/do";
export const UNDO: string = "order-7/charge/undo";
export const BRANCH: string = "order-7/charge";

/** One process and its barrier. */
export interface Rig {
  readonly world: World;
  readonly process: TestProcess;
  readonly barrier: Barrier;
  /** Another process on the same store. */
  other(): Barrier;
}

/** A fresh one. */
export function rig(options: BarrierOptions = {}): Rig {
  const world = new World();
  const process = world.process();
  const other = () => createBarrier(world.process().backend, options);
  return { world, process, barrier: createBarrier(process.backend, options), other };
}

/** What a call came to: its value, or the code of its error. */
export async function said(world: World, promise: Promise<unknown>): Promise<unknown> {
  const outcome = await world.outcome(promise);
  if (outcome.kind === "value") return outcome.value;
  if (outcome.kind === "pending") return "pending";
  return isQuorateError(outcome.error) ? outcome.error.code : outcome.error;
}
