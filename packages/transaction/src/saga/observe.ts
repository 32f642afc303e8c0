/**
 * Waiting for a saga to come to something, without asking the store again and again: by this
 * process's own drive of it, else by a watch.
 */
import { raceAbort, sleep, type Runtime } from "@quorate/core";
import type { Station } from "../kernel/contract.ts";
import { mismatchError } from "./errors.ts";
import type { SagaRecord } from "./record.ts";

const AGAIN_MS = 200;

/** A drive of this process. */
export interface Observed {
  readonly finished: Promise<SagaRecord>;
}

/** Where to look. */
export interface ObserveDesk {
  readonly runtime: Pick<Runtime, "time">;
  readonly station: Station<SagaRecord>;
  driven(id: string): Observed | undefined;
}

/** The record of `id` once `isEnough`. Rejects with the signal's reason, or when it is gone. */
export async function observe(
  desk: ObserveDesk,
  id: string,
  isEnough: (record: SagaRecord) => boolean,
  signal: AbortSignal,
): Promise<SagaRecord> {
  for (;;) {
    const drive = desk.driven(id);
    if (drive !== undefined) {
      const record = await raceAbort(drive.finished, signal);
      if (isEnough(record)) return record;
    }
    const found = await watched(desk, id, isEnough, signal);
    if (found !== undefined) return found;
    await sleep(desk.runtime, AGAIN_MS, { signal });
  }
}

/** `undefined`: the watch ended without an answer. */
async function watched(
  desk: ObserveDesk,
  id: string,
  isEnough: (record: SagaRecord) => boolean,
  signal: AbortSignal,
): Promise<SagaRecord | undefined> {
  for await (const stored of desk.station.watch(id, { signal })) {
    // What a watch does not show may be on its way to it; what the store says is so.
    const found = stored ?? (await desk.station.read(id));
    if (found === undefined) throw mismatchError(id, "no more: its record is gone");
    if (isEnough(found.record)) return found.record;
  }
  return undefined;
}
