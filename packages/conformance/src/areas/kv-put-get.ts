/**
 * Put and get: values, conditions, revisions, operation ids (cases 1 to 10 of the plan).
 */
import { strict as assert } from "node:assert";
import type { Area, CaseContext } from "../case.ts";
import { bytes, mustDelete, mustPut, text } from "../kit.ts";

export const kvPutGet: Area = {
  name: "put and get",
  cases: [
    { name: "1 a key never written is undefined", run: nothing },
    { name: "2 get returns what put wrote, with its revision", run: putThenGet },
    { name: "3 every byte value, and no byte at all, come back", run: everyByte },
    { name: "4 keys of odd characters are kept apart", run: oddKeys },
    { name: "5 put if absent: once, and not on what is there", run: ifAbsent },
    { name: "6 put if revision: right, old, and future", run: ifRevision },
    { name: "7 a conflict returns what is there instead", run: conflictShowsCurrent },
    { name: "8 an unconditional put keeps created, and advances the revision", run: keepsCreated },
    { name: "9 a put without ttlMs takes the retention away", run: putRemovesTtl },
    { name: "9b a put with ttlMs replaces the retention", run: putReplacesTtl },
    { name: "10 writes of one key do not conflict with another's", run: keysAreIndependent },
    { name: "the same operation id again is replayed, not repeated", run: replay },
    { name: "a replay is recognised even though its condition no longer holds", run: replayIf },
    { name: "an operation id that is no longer the last write is a new write", run: noReplay },
    { name: "values are copies: a caller's buffer stays its own", run: copies },
    { name: "a string is stored as UTF-8", run: strings },
  ],
};

async function nothing(t: CaseContext): Promise<void> {
  const { kv } = await t.open();
  assert.equal(await kv.get(t.key()), undefined);
}

async function putThenGet(t: CaseContext): Promise<void> {
  const writer = await t.open();
  const reader = await t.open();
  const result = await writer.kv.put(t.key(), bytes("one"), { operationId: "op-1" });
  assert(result.ok);
  assert.equal(result.replayed, false);
  const { entry } = result;
  assert.equal(entry.key, t.key());
  assert.equal(text(entry.value), "one");
  assert(Number.isSafeInteger(entry.revision) && entry.revision > 0);
  assert.equal(entry.createdRevision, entry.revision);
  assert.equal(entry.operationId, "op-1");
  assert.equal(entry.expiresInMs, undefined);

  const found = await reader.kv.get(t.key());
  assert(found !== undefined);
  assert.equal(text(found.value), "one");
  assert.equal(found.key, t.key());
  assert.equal(found.revision, entry.revision);
  assert.equal(found.createdRevision, entry.revision);
  assert.equal(found.operationId, "op-1");
  assert.equal(found.expiresInMs, undefined);
}

async function everyByte(t: CaseContext): Promise<void> {
  const { kv } = await t.open();
  const all = Uint8Array.from({ length: 512 }, (_, index) => index % 256);
  for (const value of [all, new Uint8Array(0), Uint8Array.of(0), Uint8Array.of(13, 10, 0, 255)]) {
    assert((await kv.put(t.key(), value)).ok);
    const found = await kv.get(t.key());
    assert(found !== undefined);
    assert.deepEqual(Uint8Array.from(found.value), value);
  }
}

async function oddKeys(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const odd = [
    "a b",
    "{x}",
    "x*",
    "x>",
    "a.b",
    "a:b",
    "ü",
    "日本",
    "=41",
    "%",
    "[a]",
    "\\",
    "'\"",
    "$1",
  ];
  const ids = [...odd, "A", "a", "é", "e\u0301", "x".repeat(128), "a/b", "a/b/c"];
  for (const id of ids) await mustPut(backend, t.key(id), id);
  for (const id of ids) {
    const found = await backend.kv.get(t.key(id));
    assert.equal(text(found?.value), id, `the key ${JSON.stringify(id)}`);
    assert.equal(found?.key, t.key(id));
  }
}

async function ifAbsent(t: CaseContext): Promise<void> {
  const { kv } = await t.open();
  assert((await kv.put(t.key(), bytes("first"), { expect: "absent" })).ok);
  assert(!(await kv.put(t.key(), bytes("second"), { expect: "absent" })).ok);
  assert.equal(text((await kv.get(t.key()))?.value), "first");
}

async function ifRevision(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const { kv } = backend;
  const first = await mustPut(backend, t.key(), "1");
  const second = await mustPut(backend, t.key(), "2", { expect: first.revision });
  assert(second.revision > first.revision);
  assert(!(await kv.put(t.key(), bytes("x"), { expect: first.revision })).ok, "an old revision");
  assert(!(await kv.put(t.key(), bytes("x"), { expect: second.revision + 1 })).ok, "a future one");
  assert(!(await kv.put(t.key("none"), bytes("x"), { expect: first.revision })).ok, "no entry");
  assert.equal(text((await kv.get(t.key()))?.value), "2");
  assert.equal(await kv.get(t.key("none")), undefined);
}

async function conflictShowsCurrent(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const { kv } = backend;
  const entry = await mustPut(backend, t.key(), "there");
  for (const expect of ["absent", entry.revision + 1] as const) {
    const refused = await kv.put(t.key(), bytes("x"), { expect });
    assert(!refused.ok);
    assert.equal(text(refused.current?.value), "there");
    assert.equal(refused.current?.revision, entry.revision);
    assert.equal(refused.current?.createdRevision, entry.createdRevision);
  }
  const nothingThere = await kv.put(t.key("none"), bytes("x"), { expect: entry.revision });
  assert(!nothingThere.ok);
  assert.equal(nothingThere.current, undefined);
}

async function keepsCreated(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const first = await mustPut(backend, t.key(), "1");
  const second = await mustPut(backend, t.key(), "2");
  const third = await mustPut(backend, t.key(), "3", { expect: second.revision });
  assert(second.revision > first.revision);
  assert(third.revision > second.revision);
  assert.equal(second.createdRevision, first.revision);
  assert.equal(third.createdRevision, first.revision);
  assert.equal((await backend.kv.get(t.key()))?.createdRevision, first.revision);
}

async function putRemovesTtl(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const ttlMs = Math.max(200, backend.capabilities.minTtlMs);
  await mustPut(backend, t.key(), "1", { ttlMs });
  await mustPut(backend, t.key(), "2");
  await t.pass(ttlMs + backend.capabilities.expiryLagMs + 50);
  const found = await backend.kv.get(t.key());
  assert.equal(text(found?.value), "2");
  assert.equal(found?.expiresInMs, undefined);
}

async function putReplacesTtl(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const ttlMs = Math.max(200, backend.capabilities.minTtlMs);
  await mustPut(backend, t.key(), "1");
  await mustPut(backend, t.key(), "2", { ttlMs: 60_000 });
  const entry = await mustPut(backend, t.key(), "3", { ttlMs });
  assert(entry.expiresInMs !== undefined && entry.expiresInMs <= ttlMs);
  await t.pass(ttlMs + backend.capabilities.expiryLagMs + 50);
  assert.equal(await backend.kv.get(t.key()), undefined);
}

async function keysAreIndependent(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const mine = await mustPut(backend, t.key("mine"), "1");
  for (let index = 0; index < 20; index++) await mustPut(backend, t.key("other"), `${index}`);
  await mustPut(backend, t.key("mine"), "2", { expect: mine.revision });
  assert((await backend.kv.put(t.key("third"), bytes("x"), { expect: "absent" })).ok);
}

async function replay(t: CaseContext): Promise<void> {
  const { kv } = await t.open();
  const first = await kv.put(t.key(), bytes("1"), { operationId: "same" });
  const again = await kv.put(t.key(), bytes("1"), { operationId: "same" });
  assert(first.ok && again.ok);
  assert.equal(again.replayed, true);
  assert.equal(again.entry.revision, first.entry.revision);
  assert.equal((await kv.get(t.key()))?.revision, first.entry.revision);
}

async function replayIf(t: CaseContext): Promise<void> {
  const { kv } = await t.open();
  const created = { expect: "absent", operationId: "create" } as const;
  const first = await kv.put(t.key(), bytes("1"), created);
  const again = await kv.put(t.key(), bytes("1"), created);
  assert(first.ok);
  assert(again.ok, "the create that was applied must not be told `conflict`");
  assert.equal(again.replayed, true);

  const update = { expect: first.entry.revision, operationId: "update" };
  const second = await kv.put(t.key(), bytes("2"), update);
  const repeated = await kv.put(t.key(), bytes("2"), update);
  assert(second.ok);
  assert(repeated.ok, "the update that was applied must not be told `conflict`");
  assert.equal(repeated.replayed, true);
  assert.equal(repeated.entry.revision, second.entry.revision);
  assert.equal(repeated.entry.createdRevision, first.entry.revision);
}

async function noReplay(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const first = await mustPut(backend, t.key(), "1", { operationId: "a" });
  await mustPut(backend, t.key(), "2", { operationId: "b" });
  const stale = await backend.kv.put(t.key(), bytes("1"), {
    expect: first.revision,
    operationId: "c",
  });
  assert(!stale.ok);
  await mustDelete(backend, t.key());
  assert(!(await backend.kv.put(t.key(), bytes("2"), { expect: first.revision })).ok);
}

async function copies(t: CaseContext): Promise<void> {
  const { kv } = await t.open();
  const mine = bytes("abc");
  const put = await kv.put(t.key(), mine);
  mine.fill(0);
  assert(put.ok);
  assert.equal(text((await kv.get(t.key()))?.value), "abc");
  const read = await kv.get(t.key());
  read?.value.fill(0);
  put.entry.value.fill(0);
  assert.equal(text((await kv.get(t.key()))?.value), "abc");
}

async function strings(t: CaseContext): Promise<void> {
  const { kv } = await t.open();
  await kv.put(t.key(), "grüß 日本 🎉");
  assert.deepEqual(Uint8Array.from((await kv.get(t.key()))?.value ?? []), bytes("grüß 日本 🎉"));
}
