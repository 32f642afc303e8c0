/**
 * Leases without contention: grant, renewal, expiry, release, tokens (cases 23 to 32 of the plan).
 */
import { strict as assert } from "node:assert";
import type { Grant } from "@quorate/core";
import type { Area, CaseContext } from "../case.ts";
import { claim, collect, mustAcquire, newOwner } from "../kit.ts";
import { afterExpiry, shortTtlMs } from "../times.ts";

export const leases: Area = {
  name: "leases",
  cases: [
    { name: "a free name is granted at once, with all facts", run: grants },
    { name: "a held name is refused at once, and says who holds it", run: refuses },
    { name: "the same owner again is the same grant", run: sameOwner },
    { name: "names do not get in each other's way", run: namesAreIndependent },
    { name: "release frees the name at once", run: releases },
    { name: "a second release is an answer, and leaves the successor alone", run: releaseTwice },
    { name: "release with the owner alone gives back what an unknown outcome left", run: byOwner },
    {
      name: "23 a lease lives for its TTL and is gone soon after",
      isAlone: true,
      run: livesItsTtl,
    },
    { name: "24 an expired name is granted to the next who asks", run: afterExpiryGranted },
    { name: "25 renew extends, and keeps token and data", run: renews },
    { name: "26 renew with another's token is lost", run: renewWrongToken },
    { name: "27 renewal after expiry is lost, and revives nothing", run: neverRevives },
    { name: "27b a renewal cannot take a successor's lease", run: renewAfterSuccessor },
    { name: "28 renews 500 at once, three of them dead", isAlone: true, run: renewMany },
    { name: "31 one who looks only once takes over what is long dead", run: lookOnce },
    { name: "32 release of an expired lease says `expired`", run: releaseExpired },
    { name: "a token is greater than every one before it, however the lease ended", run: tokens },
    { name: "owners and data of odd characters come back as they were", run: oddOwners },
    { name: "inspect of a free name is empty", run: inspectFree },
    { name: "list shows what is held, in order, below its prefix", run: lists },
    { name: "validUntilMs is conservative: counted from before the request", run: conservative },
  ],
};

async function grants(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const owner = newOwner(backend);
  const grant = await mustAcquire(backend, t.key(), { owner, ttlMs: 30_000, data: "hello" });
  assert.equal(grant.name, t.key());
  assert.equal(grant.owner, owner);
  assert.equal(grant.weight, 1);
  assert.equal(grant.ttlMs, 30_000);
  assert(Number.isSafeInteger(grant.fencingToken) && grant.fencingToken > 0);

  const state = await backend.leases.inspect(t.key());
  assert.equal(state.name, t.key());
  assert.equal(state.waiters.length, 0);
  assert.equal(state.holders.length, 1);
  const holder = state.holders[0];
  assert.equal(holder?.owner, owner);
  assert.equal(holder.fencingToken, grant.fencingToken);
  assert.equal(holder.weight, 1);
  assert.equal(holder.data, "hello");
  assert(holder.expiresInMs > 0 && holder.expiresInMs <= 30_000);
}

async function refuses(t: CaseContext): Promise<void> {
  const first = await t.open();
  const second = await t.open();
  const grant = await mustAcquire(first, t.key(), claim(first, 30_000, { data: "first" }));
  const answer = await second.leases.acquire(t.key(), claim(second, 30_000));
  assert(!answer.granted);
  assert.equal(answer.holders.length, 1);
  assert.equal(answer.holders[0]?.owner, grant.owner);
  assert.equal(answer.holders[0].fencingToken, grant.fencingToken);
  assert.equal(answer.holders[0].data, "first");
  assert.equal(
    (await first.leases.inspect(t.key())).waiters.length,
    0,
    "the refused left the line",
  );
}

async function sameOwner(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const other = await t.open();
  const request = claim(backend, 30_000);
  const first = await mustAcquire(backend, t.key(), request);
  const again = await mustAcquire(backend, t.key(), request);
  assert.equal(again.fencingToken, first.fencingToken);
  const elsewhere = await mustAcquire(other, t.key(), request);
  assert.equal(elsewhere.fencingToken, first.fencingToken);
  assert.equal((await backend.leases.inspect(t.key())).holders.length, 1);
}

async function namesAreIndependent(t: CaseContext): Promise<void> {
  const backend = await t.open();
  for (const id of ["a", "b", "a/b", "a/b/c"]) {
    await mustAcquire(backend, t.key(id), claim(backend, 30_000));
  }
}

async function releases(t: CaseContext): Promise<void> {
  const first = await t.open();
  const second = await t.open();
  const grant = await mustAcquire(first, t.key(), claim(first, 30_000));
  assert.equal(await first.leases.release(grant), "released");
  assert.deepEqual((await first.leases.inspect(t.key())).holders, []);
  const next = await mustAcquire(second, t.key(), claim(second, 30_000));
  assert(next.fencingToken > grant.fencingToken);
}

async function releaseTwice(t: CaseContext): Promise<void> {
  const first = await t.open();
  const second = await t.open();
  const grant = await mustAcquire(first, t.key(), claim(first, 30_000));
  await first.leases.release(grant);
  const next = await mustAcquire(second, t.key(), claim(second, 30_000));
  await first.leases.release(grant);
  await first.leases.release({ name: grant.name, owner: grant.owner });
  const { holders } = await first.leases.inspect(t.key());
  assert.deepEqual(
    holders.map((holder) => holder.owner),
    [next.owner],
  );
}

async function byOwner(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const grant = await mustAcquire(backend, t.key(), claim(backend, 30_000));
  const released = await backend.leases.release({ name: t.key(), owner: grant.owner });
  assert.equal(released, "released");
  const stranger = { name: t.key(), owner: newOwner(backend) };
  assert.equal(await backend.leases.release(stranger), "expired");
}

/** A hundred leases of jittered length: none may go early, none may stay. */
async function livesItsTtl(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const { time } = backend.runtime;
  const { random } = t;
  const ttlMs = shortTtlMs(backend);
  const born: { name: string; ttlMs: number; sentMs: number; answeredMs: number }[] = [];
  for (let index = 0; index < t.crowd(100); index++) {
    const name = t.key(`${index}`);
    const jitteredMs = Math.ceil(ttlMs * (1 + random.next()));
    const sentMs = time.monotonicMs();
    await mustAcquire(backend, name, claim(backend, jitteredMs));
    born.push({ name, ttlMs: jitteredMs, sentMs, answeredMs: time.monotonicMs() });
  }
  const { expiryLagMs } = backend.capabilities;
  for (let left = born; left.length > 0;) {
    const still: typeof born = [];
    for (const lease of left) {
      const askedMs = time.monotonicMs();
      const held = (await backend.leases.inspect(lease.name)).holders.length > 0;
      const heardMs = time.monotonicMs();
      assert(held || heardMs >= lease.sentMs + lease.ttlMs, "a lease ended before its TTL");
      const overdueMs = askedMs - (lease.answeredMs + lease.ttlMs + expiryLagMs);
      assert(!held || overdueMs < 0, `a lease outlived its TTL by ${overdueMs} ms and the lag`);
      if (held) still.push(lease);
    }
    left = still;
    await t.pass(ttlMs / 10);
  }
}

async function afterExpiryGranted(t: CaseContext): Promise<void> {
  const first = await t.open();
  const second = await t.open();
  const ttlMs = shortTtlMs(first);
  const grant = await mustAcquire(first, t.key(), claim(first, ttlMs));
  await afterExpiry(t, first, ttlMs);
  const next = await mustAcquire(second, t.key(), claim(second, 30_000));
  assert(next.fencingToken > grant.fencingToken);
}

async function renews(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const ttlMs = 3 * shortTtlMs(backend);
  const grant = await mustAcquire(backend, t.key(), claim(backend, ttlMs, { data: "d" }));
  for (let round = 0; round < 6; round++) {
    await t.pass(ttlMs / 4);
    assert.deepEqual(await backend.leases.renew([grant]), ["renewed"]);
  }
  const { holders } = await backend.leases.inspect(t.key());
  assert.equal(holders[0]?.fencingToken, grant.fencingToken);
  assert.equal(holders[0].data, "d");
  await afterExpiry(t, backend, ttlMs);
  assert.deepEqual((await backend.leases.inspect(t.key())).holders, []);
}

async function renewWrongToken(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const grant = await mustAcquire(backend, t.key(), claim(backend, 30_000));
  const wrong: Grant[] = [
    { ...grant, fencingToken: grant.fencingToken + 1 },
    { ...grant, owner: newOwner(backend) },
    { ...grant, name: t.key("never") },
  ];
  assert.deepEqual(await backend.leases.renew(wrong), ["lost", "lost", "lost"]);
  assert.deepEqual(await backend.leases.renew([]), []);
  assert.deepEqual(await backend.leases.renew([grant]), ["renewed"]);
}

async function neverRevives(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const ttlMs = shortTtlMs(backend);
  const grant = await mustAcquire(backend, t.key(), claim(backend, ttlMs));
  await afterExpiry(t, backend, ttlMs);
  assert.deepEqual(await backend.leases.renew([grant]), ["lost"]);
  assert.deepEqual((await backend.leases.inspect(t.key())).holders, []);
  await mustAcquire(backend, t.key(), claim(backend, 30_000));
}

async function renewAfterSuccessor(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const ttlMs = shortTtlMs(backend);
  const grant = await mustAcquire(backend, t.key(), claim(backend, ttlMs));
  await afterExpiry(t, backend, ttlMs);
  const next = await mustAcquire(backend, t.key(), claim(backend, 30_000));
  assert.deepEqual(await backend.leases.renew([grant]), ["lost"]);
  assert.equal(await backend.leases.release(grant), "expired");
  const { holders } = await backend.leases.inspect(t.key());
  assert.equal(holders[0]?.fencingToken, next.fencingToken);
}

async function renewMany(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const names = Array.from({ length: t.crowd(500) }, (_, index) => t.key(`${index}`));
  const grants = await Promise.all(
    names.map((name) => mustAcquire(backend, name, claim(backend, 30_000))),
  );
  const dead = new Set([0, Math.floor(grants.length / 2), grants.length - 1]);
  for (const [index, grant] of grants.entries()) {
    if (dead.has(index)) await backend.leases.release(grant);
  }
  const answers = await backend.leases.renew(grants);
  const expected = grants.map((_, index) => (dead.has(index) ? "lost" : "renewed"));
  assert.deepEqual(answers, expected);
}

/** As a cron job does: opens, asks once, never waits. Nobody else watches meanwhile. */
async function lookOnce(t: CaseContext): Promise<void> {
  const first = await t.open();
  const ttlMs = shortTtlMs(first);
  const grant = await mustAcquire(first, t.key(), claim(first, ttlMs));
  await first.close();
  await t.pass(2 * ttlMs + 2 * first.capabilities.expiryLagMs + 100);
  const fresh = await t.open();
  const next = await mustAcquire(fresh, t.key(), claim(fresh, 30_000));
  assert(next.fencingToken > grant.fencingToken);
}

async function releaseExpired(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const ttlMs = shortTtlMs(backend);
  const grant = await mustAcquire(backend, t.key(), claim(backend, ttlMs));
  await afterExpiry(t, backend, ttlMs);
  assert.equal(await backend.leases.release(grant), "expired");
  assert.equal(await backend.leases.release(grant), "expired");
}

async function tokens(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const ttlMs = shortTtlMs(backend);
  let last = 0;
  for (let round = 0; round < 12; round++) {
    const grant = await mustAcquire(backend, t.key(), claim(backend, ttlMs));
    assert(grant.fencingToken > last, `token ${grant.fencingToken} after ${last}`);
    last = grant.fencingToken;
    if (round % 6 === 5) await afterExpiry(t, backend, ttlMs);
    else await backend.leases.release(grant);
  }
}

async function oddOwners(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const odd = ["a b", "{o}", "x>*.", "日本🎉", '"\\', "a/b", "%s", "o".repeat(128), "a|b:c,d;e"];
  for (const [index, owner] of odd.entries()) {
    const name = t.key(`${index}`);
    const data = `${owner}\r\n\0 data`;
    const grant = await mustAcquire(backend, name, { owner, ttlMs: 30_000, data });
    const holder = (await backend.leases.inspect(name)).holders[0];
    assert.equal(holder?.owner, owner);
    assert.equal(holder.data, data);
    assert.deepEqual(await backend.leases.renew([grant]), ["renewed"]);
    assert.equal(await backend.leases.release(grant), "released");
  }
}

async function inspectFree(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const empty = { name: t.key(), holders: [], waiters: [] };
  assert.deepEqual(await backend.leases.inspect(t.key()), empty);
}

async function lists(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const ids = ["b", "a", "a/x", "c", "ab", "zü", "z"];
  for (const id of ids) await mustAcquire(backend, t.key(id), claim(backend, 30_000));
  const free = await mustAcquire(backend, t.key("free"), claim(backend, 30_000));
  await backend.leases.release(free);
  const names = (await collect(backend.leases.list(`${t.prefix}/`, { pageSize: 2 }))).map(
    (state) => state.name,
  );
  assert.deepEqual(
    names,
    ["a", "a/x", "ab", "b", "c", "z", "zü"].map((id) => t.key(id)),
  );
  const below = await collect(backend.leases.list(`${t.key("a")}/`));
  assert.deepEqual(
    below.map((state) => [state.name, state.holders.length]),
    [[t.key("a/x"), 1]],
  );
}

async function conservative(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const { time } = backend.runtime;
  const sentMs = time.monotonicMs();
  const sentWallMs = time.wallMs();
  const grant = await mustAcquire(backend, t.key(), claim(backend, 10_000));
  assert(grant.validUntilMs < time.monotonicMs() + 10_000);
  assert(grant.validUntilMs > sentMs + 9_000, "a margin of a tenth would be too much");
  assert(grant.validUntilWallMs < time.wallMs() + 10_000);
  assert(grant.validUntilWallMs > sentWallMs + 9_000);
}
