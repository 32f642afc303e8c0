/**
 * A process that makes idempotent calls on a real server, as its parent tells it, and reports each
 * run of the work and each answer. What the parent does to it meanwhile is the test.
 */
import "../support/with-parent.ts";
import { isQuorateError } from "@quorate/core";
import { createIdempotency, workOutcome } from "@quorate/idempotency";

import { connect } from "./connect.ts";

/** What the parent asks for. */
export interface Order {
  readonly id: number;
  readonly key: string;
  readonly workMs: number;
  /** Block the event loop for the time of the work. */
  readonly blocks?: boolean;
  readonly waitMs?: number;
}

const { ENGINE = "", URL: url = "", NAMESPACE = "", LEASE_MS } = process.env;
const unhandled: string[] = [];
process.on("unhandledRejection", (reason) => unhandled.push(String(reason)));

const { backend } = await connect(ENGINE, url, NAMESPACE);
const idempotency = createIdempotency(backend, { leaseMs: Number(LEASE_MS) });
const tell = (message: object): void => void process.send?.(message);

function block(ms: number): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const startedMs = performance.now();
  while (performance.now() - startedMs < ms) Atomics.wait(cell, 0, 0, 5);
}

async function call({ id, key, workMs, blocks = false, waitMs }: Order): Promise<void> {
  try {
    const answer = await idempotency.runDetailed(
      key,
      async ({ fencingToken, takeover, attempt, signal }) => {
        tell({ kind: "runs", id, fencingToken, takeover, attempt });
        if (blocks) block(workMs);
        else await new Promise((resolve) => setTimeout(resolve, workMs));
        tell({ kind: "worked", id, isAborted: signal.aborted });
        return { by: process.pid, id };
      },
      waitMs === undefined ? {} : { waitMs },
    );
    const { value, replayed } = answer;
    tell({ kind: "answered", id, value, replayed, unhandled });
  } catch (error) {
    const facts = isQuorateError(error) ? { code: error.code, effect: error.effect } : { error };
    tell({ kind: "failed", id, ...facts, outcome: workOutcome(error), unhandled });
  }
}

process.on("message", (orders) => {
  for (const order of orders as Order[]) void call(order);
});
tell({ kind: "ready" });
