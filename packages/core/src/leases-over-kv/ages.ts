/**
 * The engine's word on how old a record is, where it has one.
 *
 * Without it, one who looks once and goes (a cron job, a command) never sees a holder's silence
 * last long enough. The engine's stamps may come from servers whose clocks differ, so a fixed
 * allowance is taken off.
 */
import { withDeadline } from "../deadline.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Ms } from "../waist/common.ts";
import type { Entry } from "../waist/kv.ts";
import type { Desk } from "./desk.ts";
import type { LeaseRecord } from "./record.ts";

/** How long ago the store took an entry, by its own stamps; `undefined` where it cannot tell. */
export type AgeOf = (entry: Entry) => Promise<Ms | undefined>;

/** Asks the engine, and lets desks count from its answer. */
export class Ages {
  readonly #runtime: Runtime;
  readonly #ageOf: AgeOf | undefined;
  readonly #skewAllowanceMs: Ms;

  constructor(runtime: Runtime, ageOf: AgeOf | undefined, skewAllowanceMs: Ms) {
    this.#runtime = runtime;
    this.#ageOf = ageOf;
    this.#skewAllowanceMs = skewAllowanceMs;
  }

  /** True where the engine can tell. */
  get known(): boolean {
    return this.#ageOf !== undefined;
  }

  /** Lets `desk` know how old `record`, read as `entry`, is. A failure costs patience only. */
  async tell(
    desk: Desk,
    record: LeaseRecord,
    entry: Entry | undefined,
    timeoutMs: Ms,
  ): Promise<void> {
    if (this.#ageOf === undefined || entry === undefined || record.holders.size === 0) return;
    try {
      const asked = this.#ageOf(entry);
      const onTimeout = (): unknown => new Error("the engine did not tell the age in time");
      const ageMs = await withDeadline(this.#runtime, asked, { timeoutMs, onTimeout });
      if (ageMs === undefined || !Number.isFinite(ageMs)) return;
      const nowMs = this.#runtime.time.monotonicMs();
      desk.sightings.backdate(record, ageMs - this.#skewAllowanceMs, nowMs);
    } catch {
      // Then our own watching has to do.
    }
  }
}
