/** Writes of a saga, counted: one for its start, one for each step, and no more. */
import type { Backend, KvStore } from "@quorate/core";
import { memoryBackend } from "@quorate/memory";

import type { Measure } from "../harness/run.ts";
import { sessionOn } from "./quorate.ts";

const SAGAS = 200;
const STEPS = 3;

/** Counts what `kv` is asked to write. */
export const measureWrites: Measure = async () => {
  const backend = memoryBackend();
  const counted = { writes: 0 };
  const session = await sessionOn(counting(backend, counted));
  const perSaga = async (run: (id: string) => Promise<unknown>): Promise<number> => {
    const before = counted.writes;
    for (let count = 0; count < SAGAS; count += 1) await run(`${before}-${count}`);
    return (counted.writes - before) / SAGAS;
  };
  const done = await perSaga((id) => session.succeed(id));
  const undone = await perSaga((id) => session.compensate(id));
  await session.close();
  await backend.close();
  return {
    title: "Writes of a saga",
    method: `Puts and deletes that reach the store, over ${SAGAS} sagas of ${STEPS} steps.`,
    tables: [
      {
        head: ["saga", "writes"],
        rows: [
          ["three steps, done", String(done)],
          ["two done, the third refused, all undone", String(undone)],
        ],
      },
    ],
    claims: [
      {
        name: "writes of a saga of n steps",
        bar: "n + 1",
        measured: `${done} for n = ${STEPS}`,
        held: done === STEPS + 1,
      },
    ],
  };
};

function counting(backend: Backend, counted: { writes: number }): Backend {
  const kv: KvStore = {
    ...{ list: backend.kv.list.bind(backend.kv), watch: backend.kv.watch.bind(backend.kv) },
    get: (...asked) => backend.kv.get(...asked),
    put: (...asked) => {
      counted.writes += 1;
      return backend.kv.put(...asked);
    },
    delete: (...asked) => {
      counted.writes += 1;
      return backend.kv.delete(...asked);
    },
  };
  const { name, leases, bus, runtime, capabilities } = backend;
  return {
    ...{ name, leases, bus, runtime, capabilities, kv },
    ready: () => backend.ready(),
    health: () => backend.health(),
    close: () => backend.close(),
    [Symbol.asyncDispose]: () => backend.close(),
  };
}
