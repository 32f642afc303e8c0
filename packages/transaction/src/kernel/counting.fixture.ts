/**
 * The smallest protocol: an instance counts up to its goal, one write per step.
 */
import { sleep, type Backend } from "@quorate/core";
import type { Driver, Held, Ownership, Station } from "./contract.ts";
import { createWorker, type Worker, type WorkerOptions } from "./worker.ts";

/** One instance. */
export interface Counting extends Ownership {
  readonly goal: number;
  readonly at: number;
  readonly kind: string;
}

/** One process that counts. */
export interface Counter {
  readonly worker: Worker;
  readonly station: Station<Counting>;
  /** `id:step`, in the order in which this process did them. */
  readonly steps: string[];
  readonly overtaken: string[];
  start(id: string, goal: number, kind?: string): Promise<void>;
}

/** A counter whose steps take `stepMs`. */
export function counter(
  backend: Backend,
  options: WorkerOptions & { readonly stepMs?: number; readonly kinds?: readonly string[] } = {},
): Counter {
  const { stepMs = 1_000, kinds = ["plain"], ...rest } = options;
  const steps: string[] = [];
  const overtaken: string[] = [];
  const worker = createWorker(backend, { leaseMs: 3_000, ...rest });
  const driver: Driver<Counting> = {
    collection: "counting",
    codec: {
      encode: (record) => JSON.stringify(record),
      decode: (text) => {
        try {
          return { ok: true, record: JSON.parse(text) as Counting };
        } catch {
          return { ok: false, reason: "not JSON" };
        }
      },
    },
    ownershipOf: ({ owner, fence, takeovers }) => ({ owner, fence, takeovers }),
    withOwnership: (record, ownership) => ({ ...record, ...ownership }),
    isOpen: ({ at, goal }) => at < goal,
    canDrive: ({ kind }) => kinds.includes(kind),
    drive: async (held: Held<Counting>, { signal, closing, isHeld }) => {
      try {
        while (held.record.at < held.record.goal && !closing.aborted && isHeld()) {
          steps.push(`${held.id}:${held.record.at}`);
          await sleep(backend.runtime, stepMs, { signal });
          const count = (record: Counting): Counting => ({
            ...record,
            at: record.at + 1,
            takeovers: 0,
          });
          await station.apply(held, count);
        }
      } catch (error) {
        overtaken.push(held.id);
        throw error;
      }
    },
  };
  const station = worker.register(driver);
  const start = async (id: string, goal: number, kind = "plain"): Promise<void> => {
    const ownership = await station.ownership();
    const created = await station.create(id, { ...ownership, goal, at: 0, kind });
    if (created.created) void station.drive(created.held);
  };
  return { worker, station, steps, overtaken, start };
}
