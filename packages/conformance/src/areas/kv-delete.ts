/**
 * Delete: conditions, and what comes after (cases 11 to 15 of the plan).
 */
import { strict as assert } from "node:assert";
import type { Area, CaseContext } from "../case.ts";
import { bytes, mustDelete, mustPut, text } from "../kit.ts";
import { afterExpiry, shortTtlMs } from "../times.ts";

export const kvDelete: Area = {
  name: "delete",
  cases: [
    { name: "11 deletes what is there, if asked at its revision", run: conditions },
    { name: "12 create after delete works at once, and is a new entry", run: createAfterDelete },
    { name: "13 a second delete finds nothing", run: twice },
    { name: "14 a stale holder's delete leaves the successor's entry", run: staleDelete },
    { name: "15 the re-created entry's revision is above the deleted one's", run: grows },
    { name: "an expired entry is not there to delete", run: expired },
  ],
};

async function conditions(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const { kv } = backend;
  const entry = await mustPut(backend, t.key(), "1");
  const wrong = await kv.delete(t.key(), { expect: entry.revision + 1 });
  assert(!wrong.ok);
  assert.equal(wrong.current?.revision, entry.revision);
  assert.equal(text(wrong.current.value), "1");
  assert.equal(text((await kv.get(t.key()))?.value), "1");

  const right = await kv.delete(t.key(), { expect: entry.revision });
  assert(right.ok);
  assert(right.revision > entry.revision, "a delete is a write: it has a revision of its own");
  assert.equal(await kv.get(t.key()), undefined);

  const absent = await kv.delete(t.key("never"), { expect: entry.revision });
  assert.deepEqual(absent, { ok: false, current: undefined });
}

async function createAfterDelete(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const first = await mustPut(backend, t.key(), "1");
  await mustDelete(backend, t.key());
  const second = await mustPut(backend, t.key(), "2", { expect: "absent" });
  assert.equal(second.createdRevision, second.revision);
  assert(second.createdRevision > first.createdRevision);
}

async function twice(t: CaseContext): Promise<void> {
  const backend = await t.open();
  await mustPut(backend, t.key(), "1");
  await mustDelete(backend, t.key());
  assert.deepEqual(await backend.kv.delete(t.key()), { ok: false, current: undefined });
}

async function staleDelete(t: CaseContext): Promise<void> {
  const [old, next] = [await t.open(), await t.open()];
  const mine = await mustPut(old, t.key(), "old");
  await mustDelete(next, t.key());
  const theirs = await mustPut(next, t.key(), "next", { expect: "absent" });
  const late = await old.kv.delete(t.key(), { expect: mine.revision });
  assert(!late.ok);
  assert.equal(late.current?.revision, theirs.revision);
  assert.equal(text((await next.kv.get(t.key()))?.value), "next");
}

async function grows(t: CaseContext): Promise<void> {
  const backend = await t.open();
  let last = 0;
  for (let round = 0; round < 10; round++) {
    const entry = await mustPut(backend, t.key(), `${round}`, { expect: "absent" });
    assert(entry.revision > last);
    last = await mustDelete(backend, t.key());
    assert(last > entry.revision);
  }
}

async function expired(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const ttlMs = shortTtlMs(backend);
  const entry = await mustPut(backend, t.key(), "1", { ttlMs });
  await afterExpiry(t, backend, ttlMs);
  const gone = await backend.kv.delete(t.key(), { expect: entry.revision });
  assert.deepEqual(gone, { ok: false, current: undefined });
  assert(!(await backend.kv.put(t.key(), bytes("2"), { expect: entry.revision })).ok);
}
