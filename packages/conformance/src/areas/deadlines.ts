/**
 * Every call settles: within its deadline, by its signal, or when its backend is closed (cases 53,
 * 58, 59 of the plan).
 */
import { strict as assert } from "node:assert";
import { type Backend, isQuorateError } from "@quorate/core";
import type { Area, CaseContext } from "../case.ts";
import { assertError, bytes, claim, collect, mustAcquire, mustPut } from "../kit.ts";

const FREEZE = ["freeze", "thaw"] as const;
/** What a busy machine may add to a deadline. */
const SLACK_MS = 1_500;

export const deadlines: Area = {
  name: "deadlines",
  cases: [
    {
      name: "53 a frozen server: every call settles within its deadline",
      needs: FREEZE,
      run: frozen,
    },
    {
      name: "53b without timeoutMs the backend's own deadline holds",
      needs: FREEZE,
      run: frozenDefault,
    },
    { name: "58 a signal that has aborted stops a call before it is sent", run: abortedBefore },
    {
      name: "58b an abort in flight rejects at once, and says what may have happened",
      needs: FREEZE,
      run: abortedInFlight,
    },
    {
      name: "59 close settles what is in flight, with a frozen server",
      needs: FREEZE,
      run: closeFrozen,
    },
    { name: "59b after close every call is refused with CLOSED", run: closed },
    { name: "59c close twice is fine, and health answers", run: closeTwice },
  ],
};

/** One call of every kind. */
async function everyCall(t: CaseContext, backend: Backend, timeoutMs?: number) {
  const grant = await mustAcquire(backend, t.key("held"), claim(backend, 60_000));
  const bounds = timeoutMs === undefined ? {} : { timeoutMs };
  return {
    get: () => backend.kv.get(t.key(), bounds),
    list: () => collect(backend.kv.list(t.prefix, bounds)),
    inspect: () => backend.leases.inspect(t.key(), bounds),
    listLeases: () => collect(backend.leases.list(`${t.prefix}/`, bounds)),
    put: () => backend.kv.put(t.key(), "x", bounds),
    delete: () => backend.kv.delete(t.key(), bounds),
    acquire: () => backend.leases.acquire(t.key(), claim(backend, 60_000, bounds)),
    renew: () => backend.leases.renew([grant], bounds),
    release: () => backend.leases.release(grant, bounds),
    request: () => backend.bus.request(t.key("s"), bytes("?"), { timeoutMs: timeoutMs ?? 400 }),
  };
}

const READS = new Set(["get", "list", "inspect", "listLeases"]);

async function frozen(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const { time } = backend.runtime;
  const timeoutMs = 400;
  const calls = await everyCall(t, backend, timeoutMs);
  await t.fault("freeze")();
  try {
    const startMs = time.monotonicMs();
    const running = Object.entries(calls).map(async ([what, call]) => {
      const error: unknown = await call().then(
        () => assert.fail(`${what} was answered by a frozen server`),
        (error: unknown) => error,
      );
      return { what, error, tookMs: time.monotonicMs() - startMs };
    });
    for (const { what, error, tookMs } of await t.settle(
      "all calls",
      Promise.all(running),
      8_000,
    )) {
      assert(tookMs <= timeoutMs + SLACK_MS, `${what} took ${tookMs} ms`);
      if (READS.has(what)) assertError(error, ["TIMEOUT", "STORE_UNAVAILABLE"], "none");
      else assertError(error, ["OUTCOME_UNKNOWN", "TIMEOUT", "STORE_UNAVAILABLE"]);
    }
  } finally {
    await t.fault("thaw")();
  }
  await t.until("it serves again", () => t.settle("a probe", serves(t, backend), 5_000), 15_000);
}

function serves(t: CaseContext, backend: Backend): Promise<boolean> {
  return backend.kv.put(t.key("probe"), "x").then(
    ({ ok }) => ok,
    () => false,
  );
}

async function frozenDefault(t: CaseContext): Promise<void> {
  const backend = await t.open({ requestTimeoutMs: 500 });
  const calls = await everyCall(t, backend);
  await t.fault("freeze")();
  try {
    const startMs = backend.runtime.time.monotonicMs();
    const all = Promise.allSettled(Object.values(calls).map((call) => call()));
    const settled = await t.settle("all calls", all, 8_000);
    assert(settled.every(({ status }) => status === "rejected"));
    const tookMs = backend.runtime.time.monotonicMs() - startMs;
    assert(tookMs <= 500 + SLACK_MS, `the slowest took ${tookMs} ms`);
  } finally {
    await t.fault("thaw")();
  }
  await t.until("it serves again", () => t.settle("a probe", serves(t, backend), 5_000), 15_000);
}

async function abortedBefore(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const controller = new AbortController();
  const reason = new Error("enough");
  controller.abort(reason);
  const { signal } = controller;
  const grant = await mustAcquire(backend, t.key("held"), claim(backend, 60_000));
  const calls: Record<string, () => Promise<unknown>> = {
    get: () => backend.kv.get(t.key(), { signal }),
    put: () => backend.kv.put(t.key(), "x", { signal }),
    delete: () => backend.kv.delete(t.key(), { signal }),
    list: () => collect(backend.kv.list(t.prefix, { signal })),
    watch: () => backend.kv.watch(t.key(), { signal }).next(),
    acquire: () =>
      backend.leases.acquire(t.key(), claim(backend, 1_000, { signal, waitMs: 1_000 })),
    renew: () => backend.leases.renew([grant], { signal }),
    release: () => backend.leases.release(grant, { signal }),
    inspect: () => backend.leases.inspect(t.key(), { signal }),
    watchLeases: () => backend.leases.watch(t.key(), { signal }).next(),
    publish: () => backend.bus.publish(t.key(), bytes("x"), { signal }),
    subscribe: () => backend.bus.subscribe(t.key(), () => {}, { signal }),
    request: () => backend.bus.request(t.key(), bytes("x"), { signal, timeoutMs: 1_000 }),
  };
  for (const [what, call] of Object.entries(calls)) {
    const error = await t.rejection(what, Promise.resolve().then(call));
    assert.equal(error, reason, `${what} rejects with the signal's reason`);
  }
  assert.equal(await backend.kv.get(t.key()), undefined);
  assert.equal((await backend.leases.inspect(t.key("held"))).holders.length, 1);
}

async function abortedInFlight(t: CaseContext): Promise<void> {
  const backend = await t.open();
  await mustPut(backend, t.key(), "before");
  await t.fault("freeze")();
  try {
    const controller = new AbortController();
    const { signal } = controller;
    const reason = new Error("enough");
    const read = backend.kv.get(t.key(), { signal, timeoutMs: 60_000 });
    const write = backend.kv.put(t.key(), "x", { signal, timeoutMs: 60_000 });
    const acquire = backend.leases.acquire(
      t.key(),
      claim(backend, 1_000, { signal, timeoutMs: 60_000 }),
    );
    for (const call of [read, write, acquire]) call.catch(() => {});
    await t.pass(50);
    controller.abort(reason);
    assert.equal(await t.rejection("the read", read, 1_000), reason);
    assertError(await t.rejection("the write", write, 1_000), "ABORTED", "unknown");
    assert.equal(await t.rejection("the acquire", acquire, 5_000), reason);
  } finally {
    await t.fault("thaw")();
  }
  await t.until("the lease was given back", async () => {
    const { holders, waiters } = await backend.leases.inspect(t.key());
    return holders.length + waiters.length === 0;
  });
}

async function closeFrozen(t: CaseContext): Promise<void> {
  const backend = await t.open();
  await backend.ready();
  const calls = await everyCall(t, backend, 60_000);
  await t.fault("freeze")();
  try {
    const all = Promise.allSettled(Object.values(calls).map((call) => call()));
    await t.pass(50);
    const close = backend.close({ graceMs: 100 });
    await t.settle("close", close, 5_000);
    for (const result of await t.settle("all calls", all, 2_000)) {
      assert(result.status === "rejected");
      assert(isQuorateError(result.reason), String(result.reason));
    }
  } finally {
    await t.fault("thaw")();
  }
}

async function closed(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const calls = {
    ...(await everyCall(t, backend)),
    watch: () => backend.kv.watch(t.key()).next(),
    watchLeases: () => backend.leases.watch(t.key()).next(),
    publish: () => backend.bus.publish(t.key(), bytes("x")),
    subscribe: () => backend.bus.subscribe(t.key(), () => {}),
    ready: () => backend.ready(),
  };
  await t.settle("close", backend.close());
  for (const [what, call] of Object.entries(calls)) {
    const error = await t.rejection(what, Promise.resolve().then<unknown>(call));
    assertError(error, "CLOSED", "none");
  }
}

async function closeTwice(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const grant = await mustAcquire(backend, t.key(), claim(backend, 60_000));
  await t.settle("close", Promise.all([backend.close(), backend.close()]));
  await backend[Symbol.asyncDispose]();
  assert.equal((await backend.health()).ok, false);
  const other = await t.open();
  const { holders } = await other.leases.inspect(t.key());
  assert.equal(holders[0]?.fencingToken, grant.fencingToken, "leases outlive their backend");
}
