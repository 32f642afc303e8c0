/**
 * What all jobs of one `Cron` share.
 */
import type { Backend, Lifecycle, Runtime } from "@quorate/core";
import type { Desk } from "./desk.ts";
import type { CronEvents } from "./events.ts";
import type { Nudges } from "./nudges.ts";
import type { Owners } from "./owners.ts";
import type { RunLedger } from "./run-ledger.ts";
import type { Worker } from "./worker.ts";

/** The parts that a job works with. */
export interface Shared {
  readonly backend: Backend;
  readonly runtime: Runtime;
  readonly desk: Desk;
  readonly worker: Worker;
  readonly owners: Owners;
  readonly events: CronEvents;
  readonly lifecycle: Lifecycle;
  readonly ledger: RunLedger;
  readonly nudges: Nudges;
  /** What people call this process. */
  readonly by: string;
}
