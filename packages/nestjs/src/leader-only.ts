/**
 * `@LeaderOnly`: of all pods, the method runs in the one that leads.
 */
import { boundedString } from "@quorate/core";
import type { ElectionOptions } from "quorate/election";
import { type MaybeMethodDecorator, wrapMethod } from "./wrap-method.ts";

const MAX_NAME_BYTES = 256;

/**
 * Runs the method only while this process leads the election `name`; elsewhere a call resolves at
 * once and nothing runs. The process campaigns from the application's start to its end. Inside,
 * `currentLeadership()` is the term. Methods of one election share a candidate, with the options of
 * the first.
 *
 * For work that belongs to one place: a poller, a cache in memory. On a `@Cron` it keeps all pods
 * but one quiet; a tick at a hand-over may run in two, or in none. Where each tick counts, use
 * `@OncePerTick`.
 *
 * @throws INVALID_ARGUMENT when it decorates what is no method.
 *
 * @example
 * class Mailbox {@LeaderOnly("mailbox")
 *   async poll(): Promise<void> {
 *     currentLeadership().check();
 *   }
 * }
 */
export function LeaderOnly(name: string, options?: ElectionOptions): MaybeMethodDecorator {
  boundedString("name", name, MAX_NAME_BYTES);
  return wrapMethod(
    "LeaderOnly",
    ({ host, run }) => host.asLeader(name, run),
    (host) => host.campaign(name, options),
  );
}
