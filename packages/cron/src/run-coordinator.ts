/**
 * For node-cron 4: its timers, our claims.
 *
 * node-cron asks its `RunCoordinator` in every process, for every fire, whether to run, and names
 * the fire by task and slot. That is a tick, and `claimTick` gives it to the first who asks. Where
 * the store does not answer, the error goes through: node-cron then skips the fire, which is the
 * right side to err on.
 */
import { invalidArgument } from "@quorate/core";
import type { TickClaim } from "./called-job.ts";
import type { Cron } from "./cron.ts";

/** Claims that node-cron has not ended yet; of more than these the oldest is let go. */
const MAX_CLAIMS = 1_000;
const KEY = /^(.+):(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)$/;

/** What node-cron 4.4 and later call `RunCoordinator`. */
export interface RunCoordinator {
  /** Whether this process runs the fire. `ttlMs` is not needed: the lease is renewed. */
  shouldRun(key: string, ttlMs: number): Promise<boolean>;
  /** The fire has run. */
  onComplete(key: string): Promise<void>;
}

/**
 * A coordinator for node-cron's `setRunCoordinator`, or for the `runCoordinator` of one task. Give
 * each task a `name`: without one node-cron makes up another in each process, and all of them run.
 *
 * @example
 * import { createCron, runCoordinator } from "@quorate/cron";
 * import { memoryBackend } from "@quorate/memory";
 * import nodeCron from "node-cron";
 * nodeCron.setRunCoordinator(runCoordinator(createCron(memoryBackend())));
 * nodeCron.schedule("0 3 * * *", () => {}, { name: "nightly", distributed: true });
 */
export function runCoordinator(cron: Cron): RunCoordinator {
  const claims = new Map<string, TickClaim>();
  return {
    async shouldRun(key) {
      const [, name, instant] = KEY.exec(key) ?? [];
      if (name === undefined || instant === undefined) {
        throw invalidArgument("key", key, "a task's name and its slot, as node-cron makes it");
      }
      const claim = await cron.claimTick(name, new Date(instant));
      if (claim === undefined) return false;
      const [oldest] = claims.keys();
      if (claims.size >= MAX_CLAIMS && oldest !== undefined) claims.delete(oldest);
      claims.set(key, claim);
      return true;
    },
    async onComplete(key) {
      const claim = claims.get(key);
      claims.delete(key);
      await claim?.end();
    },
  };
}
