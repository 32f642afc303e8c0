/**
 * What all runs of one `Sagas` share.
 */
import type { Backend, Json, Ms } from "@quorate/core";
import type { Station } from "../kernel/contract.ts";
import type { Alarms } from "./alarms.ts";
import { refsOf } from "./apart.ts";
import type { SagaEvents } from "./events.ts";
import type { SagaModel } from "./model.ts";
import type { Payloads } from "./payloads.ts";
import type { SagaRecord } from "./record.ts";

/** The shared parts. */
export interface SagaDesk {
  readonly backend: Backend;
  readonly station: Station<SagaRecord>;
  readonly payloads: Payloads;
  readonly alarms: Alarms;
  readonly events: SagaEvents;
  readonly retentionMs: Ms;
  readonly maxTakeovers: number;
  /** The definition of a record; `undefined`: not served, or of another shape. */
  modelOf(record: SagaRecord): SagaModel | undefined;
  /**
   * The record once `isEnough` says so. Looks at this process's own drive first; rejects with the
   * signal's reason.
   */
  observe(
    id: string,
    isEnough: (record: SagaRecord) => boolean,
    signal: AbortSignal,
  ): Promise<SagaRecord>;
}

/** Outputs by step. */
export type Outputs = Record<string, Json | undefined>;

/** The collection of sagas. */
export const SAGAS = "sagas";

/** How long a record is kept; `undefined`: it is still needed. */
export function retentionOf(record: SagaRecord, retentionMs: Ms): Ms | undefined {
  return isForgettable(record) ? retentionMs : undefined;
}

/** Whether nobody needs it any more, but to look at it. */
export function isForgettable(record: SagaRecord): boolean {
  if (record.state === "compensated") return true;
  if (record.state !== "done" || record.isSealing === true) return false;
  return record.parent === undefined || record.isSealed === true;
}

/** Nobody drives what was just ended: its values end too, as soon as the store takes it. */
export async function letGoOf(desk: SagaDesk, record: SagaRecord): Promise<void> {
  if (!isForgettable(record)) return;
  for (const ref of refsOf(record)) {
    await desk.payloads.letGo(ref, undefined, undefined).catch(() => {});
  }
}

/** Whether its outcome stands, for whoever waits for it. */
export function hasEnded(record: SagaRecord): boolean {
  return record.state === "done" || record.state === "compensated";
}

/** Whether nothing is left to do, for anybody. */
export function hasNothingLeft(record: SagaRecord): boolean {
  return hasEnded(record) && record.isSealing !== true;
}

/** What is parked first, if anything. */
export function parkedAt(record: SagaRecord): string | undefined {
  for (const [key, { isParked }] of record.stuck) if (isParked) return key;
  return undefined;
}
