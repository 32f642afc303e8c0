/**
 * A candidate in a process of its own, on a real server. It leads whenever it can, observes, and
 * tells its parent of both; what its parent sends is an order to the leader.
 */
import { isQuorateError } from "@quorate/core";
import { createElection, type Leadership, type TransferAnswer } from "@quorate/election";
import { createGuard } from "@quorate/lock";

import { connect } from "../idempotency/connect.ts";

/** What a parent may ask of the leader. */
export type Order =
  | { readonly kind: "resign" }
  | { readonly kind: "transfer"; readonly to: string }
  /** Blocks the event loop for so long, and looks at the leadership at the first line after. */
  | { readonly kind: "block"; readonly forMs: number };

const { ENGINE = "", URL: url = "", NAMESPACE = "", TTL_MS, CANDIDATE = "" } = process.env;
const unhandled: string[] = [];
process.on("unhandledRejection", (reason) => unhandled.push(String(reason)));

const connection = await connect(ENGINE, url, NAMESPACE);
const { backend } = connection;
const guard = createGuard(backend.kv);
const election = createElection(backend, "job", {
  candidate: CANDIDATE,
  value: { pid: process.pid },
  ttlMs: Number(TTL_MS),
});
const stop = new AbortController();
let orders: ((order: Order) => void) | undefined;

/** The same clock in all processes of this machine. */
const nowMs = (): number => performance.timeOrigin + performance.now();
const tell = (message: object): void => void process.send?.({ ...message, from: CANDIDATE });

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => "ok",
    (error: unknown) => (isQuorateError(error) ? error.code : String(error)),
  );
}

async function work(leadership: Leadership): Promise<void> {
  const { term, signal } = leadership;
  tell({ kind: "began", term, atMs: nowMs() });
  orders = (order) => void obey(order, leadership);
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  const reason = isQuorateError(signal.reason, "LEADERSHIP_LOST") && signal.reason.details.reason;
  tell({ kind: "ended", term, reason, atMs: nowMs() });
}

async function obey(order: Order, leadership: Leadership): Promise<void> {
  if (order.kind === "resign") await election.resign();
  else if (order.kind === "transfer") tell(await transferTo(order.to));
  else await block(order.forMs, leadership);
}

/** The one that is meant may have resigned a moment ago, and be on its way back in line. */
async function transferTo(to: string): Promise<TransferAnswer> {
  for (;;) {
    try {
      return await election.transferTo(to);
    } catch (error) {
      if (!isQuorateError(error, "NO_CANDIDATE")) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function block(forMs: number, leadership: Leadership): Promise<void> {
  const fenced = await guard.open(leadership, "job");
  tell({ kind: "blocked", term: leadership.term });
  const cell = new Int32Array(new SharedArrayBuffer(4));
  // Not one sleep but many: SIGSTOP does not stop the clock by which one long one would end.
  const startedMs = performance.now();
  while (performance.now() - startedMs < forMs) Atomics.wait(cell, 0, 0, 5);

  const abortedAtOnce = leadership.signal.aborted;
  let check = "ok";
  try {
    leadership.check();
  } catch (error) {
    check = isQuorateError(error) ? error.code : String(error);
  }
  const abortedThen = leadership.signal.aborted;
  const { isLeader } = leadership;
  const write = await codeOf(fenced.write("late"));
  // As one that never asks its term: the token alone goes to the resource.
  const admit = await codeOf(guard.admit("job", leadership.term));
  tell({ kind: "woken", abortedAtOnce, check, abortedThen, isLeader, write, admit });
}

async function observe(): Promise<void> {
  for await (const { kind, term, leader } of election.observe()) {
    tell({ kind: "observed", what: kind, term, candidate: leader?.candidate });
  }
}

process.on("message", (order) => orders?.(order as Order));
// As a service ends: the leadership at once, then the connections; then nothing keeps it alive.
process.on("SIGTERM", () => {
  stop.abort();
  void (async () => {
    await election.close();
    await connection.close();
    tell({ kind: "closed", unhandled });
    process.disconnect();
  })();
});

void observe();
tell({ kind: "ready" });
while (!stop.signal.aborted) await election.lead(work, { signal: stop.signal }).catch(() => {});
