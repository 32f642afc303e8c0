/**
 * Weights and capacities: semaphores, readers and writers, on the same line.
 */
import { strict as assert } from "node:assert";
import { type Backend, type Grant, type LeaseRequest } from "@quorate/core";
import type { Area, CaseContext } from "../case.ts";
import { claim, mustAcquire, mustBeGranted } from "../kit.ts";
import { afterExpiry, shortTtlMs } from "../times.ts";

export const weights: Area = {
  name: "weights",
  cases: [
    { name: "a semaphore of three admits three, and a fourth after one is given back", run: three },
    { name: "every permit has a token of its own", run: tokens },
    { name: "a heavy claim waits until all of its weight fits", run: heavy },
    { name: "each claim is judged by its own capacity and all that is held", run: ownCapacity },
    { name: "readers share, a writer excludes", run: readersAndWriter },
    {
      name: "phase-fair: readers behind a waiting writer wait, and then enter together",
      run: phases,
    },
    { name: "an expired permit is free again, the others are not", run: onePermitExpires },
    {
      name: "the weights held never exceed the capacity, whatever comes",
      isAlone: true,
      run: neverTooMuch,
    },
  ],
};

function reader(backend: Backend, more?: Partial<LeaseRequest>): LeaseRequest {
  return claim(backend, 30_000, { weight: 1, capacity: 1_000, ...more });
}

function writer(backend: Backend, more?: Partial<LeaseRequest>): LeaseRequest {
  return claim(backend, 30_000, { weight: 1_000, capacity: 1_000, ...more });
}

/** A claim that stands in line, once it does. */
async function inLine(
  t: CaseContext,
  backend: Backend,
  request: LeaseRequest,
): Promise<{ answer: Promise<Grant> }> {
  const answer = backend.leases
    .acquire(t.key(), { waitMs: 60_000, ...request })
    .then(mustBeGranted);
  answer.catch(() => {});
  await t.until("the claim stands in line", async () => {
    const { waiters } = await backend.leases.inspect(t.key());
    return waiters.some(({ owner }) => owner === request.owner);
  });
  return { answer };
}

async function three(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const permit = { weight: 1, capacity: 3 };
  const grants: Grant[] = [];
  for (let index = 0; index < 3; index++) {
    grants.push(await mustAcquire(backend, t.key(), claim(backend, 30_000, permit)));
  }
  const fourth = await backend.leases.acquire(t.key(), claim(backend, 30_000, permit));
  assert(!fourth.granted);
  assert.equal(fourth.holders.length, 3);
  const [first] = grants;
  assert(first !== undefined);
  await backend.leases.release(first);
  await mustAcquire(backend, t.key(), claim(backend, 30_000, permit));
}

async function tokens(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const all: number[] = [];
  for (let index = 0; index < 5; index++) {
    const request = claim(backend, 30_000, { weight: 1, capacity: 5 });
    all.push((await mustAcquire(backend, t.key(), request)).fencingToken);
  }
  assert.deepEqual(
    all,
    [...new Set(all)].sort((left, right) => left - right),
  );
  const { holders } = await backend.leases.inspect(t.key());
  assert.deepEqual(
    holders.map(({ fencingToken }) => fencingToken),
    all,
  );
}

async function heavy(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const light = await mustAcquire(
    backend,
    t.key(),
    claim(backend, 30_000, { weight: 2, capacity: 4 }),
  );
  const other = await mustAcquire(
    backend,
    t.key(),
    claim(backend, 30_000, { weight: 1, capacity: 4 }),
  );
  const big = await inLine(t, backend, claim(backend, 30_000, { weight: 3, capacity: 4 }));
  await backend.leases.release(other);
  await t.pass(30);
  assert.equal((await backend.leases.inspect(t.key())).waiters.length, 1, "2 and 3 exceed 4");
  await backend.leases.release(light);
  assert.equal((await t.settle("the heavy claim", big.answer)).weight, 3);
}

async function ownCapacity(t: CaseContext): Promise<void> {
  const backend = await t.open();
  await mustAcquire(backend, t.key(), claim(backend, 30_000, { weight: 2, capacity: 10 }));
  const narrow = claim(backend, 30_000, { weight: 1, capacity: 2 });
  assert(!(await backend.leases.acquire(t.key(), narrow)).granted, "2 of its 2 are taken");
  await mustAcquire(backend, t.key(), claim(backend, 30_000, { weight: 1, capacity: 3 }));
}

async function readersAndWriter(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const one = await mustAcquire(backend, t.key(), reader(backend));
  const two = await mustAcquire(backend, t.key(), reader(backend));
  assert(!(await backend.leases.acquire(t.key(), writer(backend))).granted);
  await backend.leases.release(one);
  assert(!(await backend.leases.acquire(t.key(), writer(backend))).granted);
  await backend.leases.release(two);
  const exclusive = await mustAcquire(backend, t.key(), writer(backend));
  assert(exclusive.fencingToken > two.fencingToken);
  assert(!(await backend.leases.acquire(t.key(), reader(backend))).granted);
}

async function phases(t: CaseContext): Promise<void> {
  const [left, right] = [await t.open(), await t.open()];
  const first = await mustAcquire(left, t.key(), reader(left));
  const exclusive = await inLine(t, right, writer(right));
  const behind = [
    await inLine(t, left, reader(left)),
    await inLine(t, right, reader(right)),
    await inLine(t, left, reader(left)),
  ];
  const nextWriter = await inLine(t, right, writer(right));
  await left.leases.release(first);
  const writing = await t.settle("the writer", exclusive.answer);
  assert.equal((await left.leases.inspect(t.key())).holders.length, 1);
  await right.leases.release(writing);
  const readers = await t.settle("the readers", Promise.all(behind.map(({ answer }) => answer)));
  const { holders, waiters } = await left.leases.inspect(t.key());
  assert.equal(holders.length, 3, "the readers enter together");
  assert.equal(waiters.length, 1, "the next writer still waits");
  for (const grant of readers) await left.leases.release(grant);
  await t.settle("the next writer", nextWriter.answer);
}

async function onePermitExpires(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const permit = { weight: 1, capacity: 2 };
  const ttlMs = shortTtlMs(backend);
  const stays = await mustAcquire(backend, t.key(), claim(backend, 60_000, permit));
  const goes = await mustAcquire(backend, t.key(), claim(backend, ttlMs, permit));
  await afterExpiry(t, backend, ttlMs);
  const next = await mustAcquire(backend, t.key(), claim(backend, 60_000, permit));
  assert.deepEqual(await backend.leases.renew([stays, goes, next]), ["renewed", "lost", "renewed"]);
}

/** Random claims of random weight; what is held is counted on the holders' side. */
async function neverTooMuch(t: CaseContext): Promise<void> {
  const [one, two] = [await t.open(), await t.open()];
  const capacity = 5;
  const { random } = t;
  let held = 0;
  const work = async (backend: Backend): Promise<void> => {
    for (let round = 0; round < 6; round++) {
      const weight = 1 + Math.floor(random.next() * capacity);
      const more = { weight, capacity, waitMs: 60_000, fair: random.next() < 0.7 };
      const grant = mustBeGranted(
        await backend.leases.acquire(t.key(), claim(backend, 30_000, more)),
      );
      held += weight;
      assert(held <= capacity, `${held} of ${capacity} are held`);
      await Promise.resolve();
      held -= weight;
      await backend.leases.release(grant);
    }
  };
  const all = Array.from({ length: 10 }, (_, index) => work(index % 2 === 0 ? one : two));
  await t.settle("all workers", Promise.all(all), 20_000);
  assert.deepEqual((await one.leases.inspect(t.key())).holders, []);
}
