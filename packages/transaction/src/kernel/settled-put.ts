/**
 * A write that is asked again until it is known whether it holds.
 *
 * The same operation id each time, so a write whose reply was lost recognises itself. Once in
 * doubt, always in doubt: a later try that never left says nothing of an earlier one.
 */
import {
  isQuorateError,
  type KvStore,
  type Ms,
  type PutResult,
  type Revision,
  type Runtime,
  sleep,
} from "@quorate/core";

const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 1_000;

/** One write. */
export interface SettledPut {
  readonly key: string;
  readonly text: string;
  readonly expect: Revision | "absent";
  readonly ttlMs: Ms | undefined;
  /** Whose abort ends the asking: with its reason where nothing was sent, else with the doubt. */
  readonly signal: AbortSignal | undefined;
  /** Times that it is asked. `Infinity`: until the signal. */
  readonly tries: number;
}

/** Whom is asked. */
export interface PutDesk {
  readonly kv: KvStore;
  readonly runtime: Runtime;
}

/** Puts. A conflict with one's own write is none. @throws the store's error when it gave up. */
export function settledPut(desk: PutDesk, write: SettledPut): Promise<PutResult> {
  return settledPutThen(desk, write, (put) => put);
}

/** As `settledPut`, and goes on with its answer: on the path of every write, one promise less. */
export function settledPutThen<T>(
  desk: PutDesk,
  write: SettledPut,
  goOn: (put: PutResult) => T | Promise<T>,
): Promise<T> {
  const operationId = desk.runtime.ids.operation();
  const { key, text, expect, ttlMs } = write;
  const options = ttlMs === undefined ? { expect, operationId } : { expect, operationId, ttlMs };
  return desk.kv.put(key, text, options).then(
    (put) => goOn(mine(put, operationId)),
    (error: unknown) => again(desk, write, { operationId, options, error }).then(goOn),
  );
}

interface Failed {
  readonly operationId: string;
  readonly options: Parameters<KvStore["put"]>[2];
  readonly error: unknown;
}

async function again(desk: PutDesk, write: SettledPut, first: Failed): Promise<PutResult> {
  const { kv, runtime } = desk;
  let { error } = first;
  let doubt: unknown;
  let pauseMs = FIRST_PAUSE_MS;
  for (let tries = 1; ; tries += 1) {
    if (!isQuorateError(error) || error.effect !== "none") doubt ??= error;
    const hopeless = !isQuorateError(error) || !error.retryable;
    if (hopeless || tries >= write.tries) throw doubt ?? error;
    if (write.signal?.aborted === true) throw doubt ?? write.signal.reason;
    try {
      await sleep(runtime, pauseMs * (0.5 + runtime.random.next() / 2), { signal: write.signal });
    } catch (reason) {
      throw doubt ?? reason;
    }
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    try {
      return mine(await kv.put(write.key, write.text, first.options), first.operationId);
    } catch (next) {
      error = next;
    }
  }
}

/** A store that forgot operation ids (a failover) still has them in its entries. */
function mine(put: PutResult, operationId: string): PutResult {
  if (put.ok || put.current?.operationId !== operationId) return put;
  return { ok: true, entry: put.current, replayed: true };
}
