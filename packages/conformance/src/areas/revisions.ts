/**
 * Revisions and tokens never go back, whatever happens to key, process or store (cases 16 to 21).
 */
import { strict as assert } from "node:assert";
import { type Backend } from "@quorate/core";
import type { Area, CaseContext } from "../case.ts";
import { claim, mustAcquire, mustDelete, mustPut } from "../kit.ts";
import { afterExpiry, shortTtlMs } from "../times.ts";

export const revisions: Area = {
  name: "revisions",
  cases: [
    { name: "16 grow strictly with every write of a key", isAlone: true, run: grow },
    { name: "17 grow over delete, expiry and re-creation", run: overExpiry },
    { name: "18 grow over a restart of the process", run: overReopening },
    {
      name: "19 grow over the server's death",
      needs: ["killServer", "restartServer"],
      run: overKill,
    },
    { name: "20 grow over a flush of the store", needs: ["flush"], run: overFlush },
    { name: "21 are safe integers on the scale of microseconds", run: scale },
    { name: "grow over a failover", needs: ["failover"], run: overFailover },
  ],
};

async function grow(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const keys = ["a", "b", "c"].map((id) => t.key(id));
  const last = new Map<string, number>();
  const { random } = t;
  for (let index = 0; index < t.crowd(1_500); index++) {
    const key = keys[Math.floor(random.next() * keys.length)] ?? "";
    const isDelete = random.next() < 0.2;
    const result = isDelete
      ? await backend.kv.delete(key)
      : await backend.kv.put(key, `${index}`, random.next() < 0.3 ? { ttlMs: 60_000 } : {});
    if (!result.ok) continue;
    const revision = "entry" in result ? result.entry.revision : result.revision;
    assert(Number.isSafeInteger(revision));
    assert(revision > (last.get(key) ?? 0), `${revision} came after ${last.get(key)}`);
    last.set(key, revision);
  }
}

async function overExpiry(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const ttlMs = shortTtlMs(backend);
  const first = await mustPut(backend, t.key(), "1", { ttlMs });
  await afterExpiry(t, backend, ttlMs);
  const second = await mustPut(backend, t.key(), "2", { expect: "absent" });
  assert(second.revision > first.revision);
  assert.equal(second.createdRevision, second.revision);
  const deleted = await mustDelete(backend, t.key());
  const third = await mustPut(backend, t.key(), "3");
  assert(deleted > second.revision && third.revision > deleted);
}

interface Mark {
  readonly revision: number;
  readonly token: number;
}

/** A revision and a token of now. */
async function mark(t: CaseContext, backend: Backend): Promise<Mark> {
  const { revision } = await mustPut(backend, t.key(), "x");
  const grant = await mustAcquire(backend, t.key(), claim(backend, 30_000));
  await backend.leases.release(grant);
  return { revision, token: grant.fencingToken };
}

function assertAfter(later: Mark, earlier: Mark): void {
  assert(later.revision > earlier.revision, `${later.revision} came after ${earlier.revision}`);
  assert(later.token > earlier.token, `token ${later.token} came after ${earlier.token}`);
}

async function overReopening(t: CaseContext): Promise<void> {
  const first = await t.open();
  const before = await mark(t, first);
  await first.close();
  assertAfter(await mark(t, await t.open()), before);
}

async function overKill(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const before = await mark(t, backend);
  await t.pass(20);
  await t.fault("killServer")();
  await t.fault("restartServer")();
  await whenServed(t, backend);
  assertAfter(await mark(t, backend), before);
}

async function overFlush(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const before = await mark(t, backend);
  await t.pass(20);
  await t.fault("flush")();
  await whenServed(t, backend);
  assert.equal(await backend.kv.get(t.key()), undefined, "the flush forgot the key");
  assertAfter(await mark(t, backend), before);
}

async function overFailover(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const before = await mark(t, backend);
  await t.pass(20);
  await t.fault("failover")();
  await whenServed(t, backend);
  assertAfter(await mark(t, backend), before);
}

/** Waits until the store serves writes again; refusals on the way are to be expected. */
async function whenServed(t: CaseContext, backend: Backend): Promise<void> {
  const served = async (): Promise<boolean> => {
    const probe = backend.kv.put(t.key("probe"), "x", { timeoutMs: 1_000 });
    const outcome = probe.then(
      () => true,
      () => false,
    );
    return t.settle("a probe", outcome);
  };
  await t.until("the store serves again", served, 20_000);
}

async function scale(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const { revision, token } = await mark(t, backend);
  for (const position of [revision, token]) {
    assert(Number.isSafeInteger(position));
    // Between 2020 and 2255: elsewhere a store that forgot its last one could not go on from here.
    assert(position > 1_577_836_800_000_000, `${position} is no time in µs`);
  }
}
