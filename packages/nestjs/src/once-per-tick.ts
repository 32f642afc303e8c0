/**
 * `@OncePerTick`: all pods have the timer, one of them has the tick.
 */
import { oncePerTick, type OncePerTickOptions, type ScheduleInput } from "quorate/cron";
import { ticks } from "./current.ts";
import type { QuorateHost } from "./host.ts";
import { type MaybeMethodDecorator, wrapMethod } from "./wrap-method.ts";

/**
 * Runs the method for the latest tick of `when`, if no other process has claimed that tick; else a
 * call resolves at once and nothing runs. Inside, `currentTick()` is the claim: `key` names the
 * tick, `fencingToken` and `signal` are its own. Give it the expression and the zone of the timer.
 *
 * Guarantees: a tick is claimed once, whatever the pods' clocks and deploys do; nobody leads, so
 * nothing is handed over. Does not guarantee that a tick runs: the timer is not ours, so one that
 * no pod's timer fired for, or whose pod crashed, is left out. `q.cron.schedule` keeps those, too.
 *
 * @throws INVALID_ARGUMENT when it decorates what is no method. A wrong schedule, in
 *   `app.init()`.
 *
 * @example
 * class Reports {@OncePerTick("nightly", "0 3 * * *")
 *   async nightly(): Promise<void> {
 *     currentTick().check();
 *   }
 * }
 */
export function OncePerTick(
  name: string,
  when: ScheduleInput,
  options: OncePerTickOptions = {},
): MaybeMethodDecorator {
  const claiming = (host: QuorateHost, run: () => Promise<unknown>): (() => Promise<boolean>) =>
    oncePerTick(host.q.cron, name, when, (claim) => ticks.run(claim, run), options);
  return wrapMethod(
    "OncePerTick",
    async ({ host, run }) => void (await claiming(host, run)()),
    (host) => void claiming(host, async () => {}),
  );
}
