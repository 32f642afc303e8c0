/**
 * The line: order of arrival, hand-over, waiters that give up, die or are paused.
 */
import { strict as assert } from "node:assert";
import type { Backend, Grant, LeaseRequest, Refusal } from "@quorate/core";
import type { Area, CaseContext } from "../case.ts";
import { claim, mustAcquire, mustBeGranted } from "../kit.ts";
import { CLAIM_WINDOW_MS, shortTtlMs } from "../times.ts";

export const leaseQueue: Area = {
  name: "lease queue",
  cases: [
    { name: "release hands over to the waiter, with a greater token", run: handsOver },
    { name: "the line moves in order of arrival, over several processes", run: fifo },
    { name: "30 an expired lease is handed over within TTL and lag", run: expiryHandsOver },
    { name: "a waiter whose time is up leaves the line, and is told who holds", run: timesOut },
    { name: "an aborted waiter leaves the line, and rejects with its reason", run: aborts },
    { name: "an abort in the instant of the grant never leaks the lease", run: abortRace },
    { name: "the same owner asking again keeps its place in line", run: keepsPlace },
    { name: "`fair: false` overtakes the line when it fits", run: overtakes },
    { name: "a fair claim does not overtake, though it would fit", run: noOvertaking },
    { name: "a closed process's waiters are skipped at once", isAlone: true, run: closedIsSkipped },
    {
      name: "a paused process costs the line one claim window, however many it has waiting",
      needs: ["pauseProcess", "resumeProcess"],
      isAlone: true,
      run: pausedCostsOneWindow,
    },
    {
      name: "a waiter that was paused through its turn waits on, and is granted in the end",
      needs: ["pauseProcess", "resumeProcess"],
      run: pausedIsGrantedLater,
    },
    { name: "a waiter outlives a cut of its link", needs: ["resetLink"], run: outlivesReset },
    { name: "a waiter outlives a flush of the store", needs: ["flush"], run: outlivesFlush },
    { name: "inspect shows the line in order", run: showsLine },
    { name: "fifty waiters are all served, one at a time", isAlone: true, run: drains },
    { name: "close rejects the waits that are under way", run: closeRejects },
  ],
};

/** A claim in line. An object, because a promise that an async function returns is awaited. */
interface Waiting {
  readonly answer: Promise<Grant | Refusal>;
}

/** Stands in line, and returns once it does. */
async function enqueue(
  t: CaseContext,
  backend: Backend,
  request: LeaseRequest,
  name = t.key(),
): Promise<Waiting> {
  const answer = backend.leases.acquire(name, { waitMs: 60_000, ...request });
  answer.catch(() => {});
  await t.until("the claim stands in line", async () => {
    const { waiters } = await backend.leases.inspect(name);
    return waiters.some(({ owner }) => owner === request.owner);
  });
  return { answer };
}

async function wait(
  t: CaseContext,
  backend: Backend,
  more?: Partial<LeaseRequest>,
): Promise<Waiting> {
  return enqueue(t, backend, claim(backend, 30_000, more));
}

async function granted(t: CaseContext, { answer }: Waiting, withinMs = 5_000): Promise<Grant> {
  return mustBeGranted(await t.settle("the grant", answer, withinMs));
}

async function handsOver(t: CaseContext): Promise<void> {
  const [first, second] = [await t.open(), await t.open()];
  const grant = await mustAcquire(first, t.key(), claim(first, 30_000));
  const waiting = await wait(t, second, { data: "second" });
  assert.equal(await first.leases.release(grant), "released");
  const next = await granted(t, waiting);
  assert(next.fencingToken > grant.fencingToken);
  assert.equal(next.ttlMs, 30_000);
  const { holders, waiters } = await first.leases.inspect(t.key());
  assert.deepEqual(
    holders.map(({ owner, fencingToken, data }) => [owner, fencingToken, data]),
    [[next.owner, next.fencingToken, "second"]],
  );
  assert.deepEqual(waiters, []);
  // Confirmed: it lasts for its TTL, not for its claim window.
  await t.pass(CLAIM_WINDOW_MS + 100);
  assert.deepEqual(await second.leases.renew([next]), ["renewed"]);
}

async function fifo(t: CaseContext): Promise<void> {
  const processes = [await t.open(), await t.open(), await t.open()];
  const [first] = processes as [Backend];
  let held = await mustAcquire(first, t.key(), claim(first, 30_000));
  const line: Waiting[] = [];
  for (let index = 0; index < 9; index++) {
    line.push(await wait(t, processes[index % 3] ?? first));
  }
  let last = held.fencingToken;
  for (const [index, waiting] of line.entries()) {
    await first.leases.release(held);
    held = await granted(t, waiting);
    assert(held.fencingToken > last, `grant ${index} has a greater token`);
    last = held.fencingToken;
    const { waiters } = await first.leases.inspect(t.key());
    assert.equal(waiters.length, line.length - index - 1, `after grant ${index}`);
  }
}

async function expiryHandsOver(t: CaseContext): Promise<void> {
  const [first, second] = [await t.open(), await t.open()];
  const ttlMs = 2 * shortTtlMs(first);
  const grant = await mustAcquire(first, t.key(), claim(first, ttlMs));
  const waiting = await wait(t, second);
  const next = await granted(t, waiting, ttlMs + first.capabilities.expiryLagMs + 1_000);
  assert(next.fencingToken > grant.fencingToken);
  const nowMs = first.runtime.time.monotonicMs();
  assert(nowMs >= grant.validUntilMs, "granted while the first holder could still believe");
  assert.deepEqual(await first.leases.renew([grant]), ["lost"]);
}

async function timesOut(t: CaseContext): Promise<void> {
  const [first, second] = [await t.open(), await t.open()];
  const grant = await mustAcquire(first, t.key(), claim(first, 30_000));
  const startMs = second.runtime.time.monotonicMs();
  const call = second.leases.acquire(t.key(), claim(second, 30_000, { waitMs: 150 }));
  const answer = await t.settle("the wait", call, 3_000);
  assert(!answer.granted);
  assert(second.runtime.time.monotonicMs() - startMs >= 149, "it waited for its time");
  assert.deepEqual(
    answer.holders.map(({ owner }) => owner),
    [grant.owner],
  );
  assert.deepEqual((await first.leases.inspect(t.key())).waiters, []);
  await first.leases.release(grant);
  assert.deepEqual((await first.leases.inspect(t.key())).holders, [], "nothing was left behind");
}

async function aborts(t: CaseContext): Promise<void> {
  const [first, second, third] = [await t.open(), await t.open(), await t.open()];
  const grant = await mustAcquire(first, t.key(), claim(first, 30_000));
  const controller = new AbortController();
  const doomed = await wait(t, second, { signal: controller.signal });
  const next = await wait(t, third);
  const reason = new Error("enough");
  controller.abort(reason);
  assert.equal(await t.rejection("the aborted wait", doomed.answer), reason);
  await t.until("it left the line", async () => {
    return (await first.leases.inspect(t.key())).waiters.length === 1;
  });
  await first.leases.release(grant);
  await granted(t, next, 400);
}

/** Release and abort at the same time, many times: whoever wins, the lease comes free. */
async function abortRace(t: CaseContext): Promise<void> {
  const [first, second] = [await t.open(), await t.open()];
  for (let round = 0; round < 20; round++) {
    const name = t.key(`${round}`);
    const grant = await mustAcquire(first, name, claim(first, 30_000));
    const controller = new AbortController();
    const request = claim(second, 30_000, { signal: controller.signal });
    const { answer } = await enqueue(t, second, request, name);
    const outcome = answer.then(
      (value) => value,
      () => undefined,
    );
    const released = first.leases.release(grant);
    // Sometimes before the ring, sometimes between ring and confirmation.
    for (let turn = 0; turn < round % 7; turn++) await Promise.resolve();
    controller.abort(new Error("enough"));
    await released;
    const won = await t.settle("the wait", outcome);
    if (won?.granted === true) await second.leases.release(won);
    await t.until(
      "the lease comes free",
      async () => {
        const { holders, waiters } = await first.leases.inspect(name);
        return holders.length + waiters.length === 0;
      },
      CLAIM_WINDOW_MS + 1_000,
    );
  }
}

async function keepsPlace(t: CaseContext): Promise<void> {
  const [first, second, third] = [await t.open(), await t.open(), await t.open()];
  const grant = await mustAcquire(first, t.key(), claim(first, 30_000));
  const request = claim(second, 30_000);
  const early = await enqueue(t, second, request);
  const late = await wait(t, third);
  const again = second.leases.acquire(t.key(), { ...request, waitMs: 60_000 });
  await t.pass(20);
  const { waiters } = await first.leases.inspect(t.key());
  assert.equal(waiters.length, 2, "asking again is the same claim");
  assert.equal(waiters[0]?.owner, request.owner, "and the same place");
  await first.leases.release(grant);
  const one = await granted(t, early);
  const other = await granted(t, { answer: again });
  assert.equal(one.fencingToken, other.fencingToken);
  await second.leases.release(one);
  await granted(t, late);
}

async function overtakes(t: CaseContext): Promise<void> {
  const [first, second] = [await t.open(), await t.open()];
  const reader = { weight: 1, capacity: 10 };
  await mustAcquire(first, t.key(), claim(first, 30_000, reader));
  await wait(t, second, { weight: 10, capacity: 10 });
  await mustAcquire(first, t.key(), claim(first, 30_000, { ...reader, fair: false }));
}

async function noOvertaking(t: CaseContext): Promise<void> {
  const [first, second] = [await t.open(), await t.open()];
  const reader = { weight: 1, capacity: 10 };
  await mustAcquire(first, t.key(), claim(first, 30_000, reader));
  await wait(t, second, { weight: 10, capacity: 10 });
  const answer = await first.leases.acquire(t.key(), claim(first, 30_000, reader));
  assert(!answer.granted, "a stream of readers must not starve a writer");
}

async function closedIsSkipped(t: CaseContext): Promise<void> {
  const [first, dead, third] = [await t.open(), await t.open(), await t.open()];
  const grant = await mustAcquire(first, t.key(), claim(first, 30_000));
  for (let index = 0; index < 3; index++) await wait(t, dead);
  const living = await wait(t, third);
  await dead.close({ graceMs: 0 });
  const startMs = first.runtime.time.monotonicMs();
  await first.leases.release(grant);
  await granted(t, living);
  const tookMs = first.runtime.time.monotonicMs() - startMs;
  assert(tookMs < CLAIM_WINDOW_MS, `a closed process held up the line for ${tookMs} ms`);
}

async function pausedCostsOneWindow(t: CaseContext): Promise<void> {
  const [first, paused, third] = [await t.open(), await t.open(), await t.open()];
  const grant = await mustAcquire(first, t.key(), claim(first, 30_000));
  for (let index = 0; index < 4; index++) await wait(t, paused);
  const living = await wait(t, third);
  await t.fault("pauseProcess")(paused);
  const startMs = first.runtime.time.monotonicMs();
  await first.leases.release(grant);
  await granted(t, living, 4 * CLAIM_WINDOW_MS);
  const tookMs = first.runtime.time.monotonicMs() - startMs;
  await t.fault("resumeProcess")(paused);
  assert(tookMs < 2 * CLAIM_WINDOW_MS, `a paused process held up the line for ${tookMs} ms`);
}

async function pausedIsGrantedLater(t: CaseContext): Promise<void> {
  const [first, paused, third] = [await t.open(), await t.open(), await t.open()];
  const grant = await mustAcquire(first, t.key(), claim(first, 30_000));
  const sleeping = await wait(t, paused);
  const living = await wait(t, third);
  await t.fault("pauseProcess")(paused);
  await first.leases.release(grant);
  const next = await granted(t, living);
  await t.fault("resumeProcess")(paused);
  await t.pass(100);
  assert.deepEqual(await third.leases.renew([next]), ["renewed"], "the turn that lapsed is over");
  await third.leases.release(next);
  const last = await granted(t, sleeping);
  assert(last.fencingToken > next.fencingToken);
}

async function outlivesReset(t: CaseContext): Promise<void> {
  const [first, second] = [await t.open(), await t.open()];
  const grant = await mustAcquire(first, t.key(), claim(first, 30_000));
  const waiting = await wait(t, second);
  await t.fault("resetLink")(second);
  await t.pass(100);
  await first.leases.release(grant);
  await granted(t, waiting, 10_000);
}

async function outlivesFlush(t: CaseContext): Promise<void> {
  const [first, second] = [await t.open(), await t.open()];
  const grant = await mustAcquire(first, t.key(), claim(first, 30_000));
  const waiting = await wait(t, second);
  await t.pass(20);
  await t.fault("flush")();
  const next = await granted(t, waiting, 15_000);
  assert(next.fencingToken > grant.fencingToken);
}

async function showsLine(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const held = { weight: 2, capacity: 3, data: "holder" };
  await mustAcquire(backend, t.key(), claim(backend, 30_000, held));
  await wait(t, backend, { weight: 3, capacity: 3, data: "one" });
  await wait(t, backend, { weight: 1, capacity: 3, data: "two" });
  const { holders, waiters } = await backend.leases.inspect(t.key());
  assert.deepEqual(
    holders.map(({ weight, data }) => [weight, data]),
    [[2, "holder"]],
  );
  assert.deepEqual(
    waiters.map(({ weight, data }) => [weight, data]),
    [
      [3, "one"],
      [1, "two"],
    ],
  );
}

async function drains(t: CaseContext): Promise<void> {
  const processes = [await t.open(), await t.open()];
  let holding = 0;
  let served = 0;
  const work = async (backend: Backend): Promise<void> => {
    const request = claim(backend, 30_000, { waitMs: 60_000 });
    const grant = mustBeGranted(await backend.leases.acquire(t.key(), request));
    holding += 1;
    assert.equal(holding, 1, "two hold at once");
    await Promise.resolve();
    holding -= 1;
    served += 1;
    await backend.leases.release(grant);
  };
  const count = t.crowd(50);
  const all = Array.from({ length: count }, (_, index) => {
    const backend = processes[index % 2];
    assert(backend !== undefined);
    return work(backend);
  });
  await t.settle("all fifty", Promise.all(all), 20_000);
  assert.equal(served, count);
}

async function closeRejects(t: CaseContext): Promise<void> {
  const [first, second] = [await t.open(), await t.open()];
  await mustAcquire(first, t.key(), claim(first, 30_000));
  const { answer } = await wait(t, second);
  const rejected = t.rejection("the wait", answer);
  await t.settle("close", second.close());
  const error = await rejected;
  assert.equal((error as { code?: string }).code, "CLOSED");
}
