/**
 * A job whose ticks come from elsewhere: from node-cron, croner, or a `setInterval`.
 *
 * Somebody's timer fires in every process and asks for its tick; the first who asks has it. What
 * nobody asks for is not missed, since nobody here knows of it.
 */
import { type FencingToken, invalidArgument, onAbort } from "@quorate/core";
import { JobBase } from "./job-base.ts";
import { claimTick, type Ending, type Step } from "./machine.ts";
import type { Claimed, JobRecord } from "./record.ts";
import { lostError } from "./run.ts";
import type { Tenure } from "./worker.ts";

/** A tick that this process has, until it says how it ended. */
export interface TickClaim {
  /** Names the tick; the same in every process. */
  readonly key: string;
  readonly tick: Date;
  readonly fencingToken: FencingToken;
  /** Aborts with LOCK_LOST when the lease that stands for the run is over. */
  readonly signal: AbortSignal;
  /** Throws LOCK_LOST if it is over, else returns the token. */
  check(): FencingToken;
  /** It has ended: with an error if one is given. Never rejects; the second call does nothing. */
  end(error?: unknown): Promise<void>;
}

/** A job of this process that runs when it is told to. */
export class CalledJob extends JobBase {
  /** Claims `tick`; `undefined`: it has been judged, or a run is in its way. */
  async claim(tick: Date): Promise<TickClaim | undefined> {
    const tickMs = tick instanceof Date ? Math.floor(tick.getTime()) : Number.NaN;
    if (!(tickMs >= 0)) throw invalidArgument("tick", tick, "a Date since 1970");
    if (tickMs <= this.seenMs) return undefined;
    return this.exclusively(() => this.#claim(tickMs));
  }

  async #claim(tickMs: number): Promise<TickClaim | undefined> {
    const known = await this.shared.desk.read(this.name);
    if (known !== undefined) this.remember(known.record);
    if (tickMs <= this.seenMs) return undefined;
    const others = known === undefined ? [] : this.others(known.record);
    const dead = await this.shared.owners.deadAmong(others);
    const tenure = await this.shared.worker.hold();
    const claimer = { owner: tenure.owner, by: this.shared.by };
    const decide = (record: JobRecord): Step =>
      claimTick(record, tickMs, this.input(claimer, dead));
    const { now } = await this.change(decide, { known });
    const claimed = now.record.running.find(
      (run) => run.tickMs === tickMs && run.owner === tenure.owner,
    );
    const { ledger } = this.shared;
    if (claimed === undefined || ledger.has(claimed)) return undefined;
    ledger.begin(claimed);
    return this.#handle(claimed, tenure);
  }

  #handle(claimed: Claimed, { lock }: Tenure): TickClaim {
    const controller = new AbortController();
    const off = onAbort(lock.signal, () => controller.abort(lostError(claimed)));
    const { time } = this.shared.runtime;
    const beganMs = time.monotonicMs();
    const check = (): number => {
      void lock.remainingMs; // Notices the end, if it has come.
      controller.signal.throwIfAborted();
      return claimed.fencingToken;
    };
    const finish = async (error: unknown): Promise<void> => {
      const outcome = error === undefined ? "done" : "failed";
      const ending: Ending = { outcome, durationMs: time.monotonicMs() - beganMs, error };
      await this.finish(claimed, ending, false);
      this.shared.ledger.end(claimed);
      off();
    };
    let ended: Promise<void> | undefined;
    return {
      key: claimed.key,
      tick: new Date(claimed.tickMs),
      fencingToken: claimed.fencingToken,
      signal: controller.signal,
      check,
      end: (error) => (ended ??= this.shared.lifecycle.track(finish(error))),
    };
  }
}
