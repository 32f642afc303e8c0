/**
 * A saga in hand, as those who do its steps see it.
 */
import type { Json, Ms } from "@quorate/core";
import type { DriveContext, Held } from "../kernel/contract.ts";
import type { Attempt } from "./attempt.ts";
import type { Outputs, SagaDesk } from "./desk.ts";
import type { Report } from "./inputs.ts";
import type { SagaModel } from "./model.ts";
import type { Payload, SagaRecord } from "./record.ts";

/** What a step may ask and tell. */
export interface InHand {
  readonly desk: SagaDesk;
  readonly model: SagaModel;
  readonly held: Held<SagaRecord>;
  readonly record: SagaRecord;
  readonly out: Outputs;
  readonly input: unknown;
  readonly context: DriveContext | undefined;
  /** Wall time. */
  readonly nowMs: Ms;
  /** Whether anything new may begin. */
  isLive(): boolean;
  /** Whether `name` may have begun before this process took the saga. */
  isStale(name: string): boolean;
  /** For `ms`, or until something may have changed. */
  pause(ms: Ms): Promise<void>;
  /**
   * What is left of a wait until wall time `notBeforeMs`, at most `boundMs`. Counted on the
   * monotonic clock from when it was first seen: whoever wrote it may have had another wall clock.
   */
  leftMs(key: string, notBeforeMs: Ms | undefined, boundMs: Ms): Ms;
  /** A signal that aborts when something may have changed. */
  wakeSignal(): { readonly signal: AbortSignal; readonly detach: () => void };
  track(attempt: Attempt): void;
  untrack(attempt: Attempt): void;
  /** What later steps see of `name`. */
  learn(name: string, value: Json | undefined): void;
  /** Text as a payload, apart if it is long. */
  store(text: string): Payload | Promise<Payload>;
  /** Stores what came of something. One write at a time. */
  report(report: Report): Promise<void>;
}
