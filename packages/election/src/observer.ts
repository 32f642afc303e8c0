/**
 * The shell around `LeaderView`: two watches that begin anew when they break, and one reader.
 *
 * Guarantees: ends by the signal (which it rejects with), by leaving the loop, or by `close()`;
 * memory is one view, however slow the reader. A store that is away makes it silent, not wrong.
 */
import { deferred, isQuorateError, linkedController, raceAbort, sleep } from "@quorate/core";
import type { Backend } from "@quorate/core";
import { backoffMs } from "./backoff.ts";
import { LeaderView, type Observation } from "./view.ts";

/** What is watched, and for how long. */
export interface Watching {
  readonly backend: Pick<Backend, "leases" | "kv" | "runtime">;
  readonly lease: string;
  readonly record: string;
  readonly signal: AbortSignal | undefined;
  /** The end of the election. */
  readonly stopping: AbortSignal;
  failed(error: unknown, failures: number): void;
}

/** Observations as they come. */
export async function* observe(watching: Watching): AsyncGenerator<Observation, void, undefined> {
  const { backend, lease, record, signal, stopping } = watching;
  const view = new LeaderView();
  const end = linkedController(signal, stopping);
  let isOver = false;
  let news = deferred<void>();
  const tell = (): void => news.resolve();
  const follow = async <E>(watch: Follow<E>): Promise<void> => {
    await followForEver(watching, end.signal, { ...watch, tell });
    isOver = true;
    tell();
  };
  const { leases, kv } = backend;
  const follows = [
    follow({
      open: (until) => leases.watch(lease, { signal: until }),
      begin: () => view.reopened(),
      take: (event) => view.takeLease(event),
    }),
    follow({
      open: (until) => kv.watch(record, { signal: until }),
      begin: () => {},
      take: (change) => view.takeRecord(change),
    }),
  ];
  try {
    for (;;) {
      news = deferred();
      const observation = view.take();
      if (observation !== undefined) yield observation;
      else if (isOver) return;
      else await raceAbort(news.promise, end.signal);
      if (end.signal.aborted) throw end.signal.reason;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (!stopping.aborted) throw error;
  } finally {
    end.abort(new Error("the observer has left"));
    end.detach();
    await Promise.all(follows);
  }
}

interface Follow<E> {
  open(until: AbortSignal): AsyncIterable<E>;
  begin(): void;
  take(event: E): void;
}

/** Never rejects. Resolves once there is nothing to follow any more. */
async function followForEver<E>(
  { backend, failed }: Watching,
  until: AbortSignal,
  watch: Follow<E> & { tell(): void },
): Promise<void> {
  const { runtime } = backend;
  for (let failures = 0; !until.aborted;) {
    watch.begin();
    try {
      for await (const event of watch.open(until)) {
        failures = 0;
        watch.take(event);
        watch.tell();
      }
    } catch (error) {
      if (until.aborted || isQuorateError(error, "CLOSED")) return;
      failed(error, failures + 1);
    }
    failures += 1;
    const pause = sleep(runtime, backoffMs(failures, runtime.random), { signal: until });
    await pause.catch(() => {});
  }
}
