/**
 * Listings: collections, order, pages, and what must not be seen (cases 29, 33, 34 of the plan).
 */
import { strict as assert } from "node:assert";
import { compareNames } from "@quorate/core";
import type { Area, CaseContext } from "../case.ts";
import { collect, mustDelete, mustPut, text } from "../kit.ts";
import { afterExpiry, shortTtlMs } from "../times.ts";

export const lists: Area = {
  name: "list",
  cases: [
    { name: "an empty collection has no entries", run: empty },
    { name: "entries come whole, in the order of their keys' bytes", run: ordered },
    { name: "33 takes one collection, not its neighbours and not those below", run: boundaries },
    { name: "pages of any size give the same list", run: pages },
    { name: "29 the expired and the deleted are not listed", run: hidden },
    {
      name: "34 no key twice, and none that stays is missed, while others churn",
      isAlone: true,
      run: churn,
    },
    { name: "leaving a listing early is fine", run: early },
  ],
};

async function empty(t: CaseContext): Promise<void> {
  const { kv } = await t.open();
  assert.deepEqual(await collect(kv.list(t.prefix)), []);
  assert.deepEqual(await collect(kv.list(t.key("deeper"))), []);
}

async function ordered(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const ids = [
    "b",
    "a",
    "B",
    "ab",
    "a b",
    "a.b",
    "a=b",
    "ü",
    "z",
    "日本",
    "😀",
    "ﬀ",
    "10",
    "9",
    "-",
    "~",
  ];
  for (const id of ids) await mustPut(backend, t.key(id), `value of ${id}`);
  const entries = await collect(backend.kv.list(t.prefix));
  assert.deepEqual(
    entries.map((entry) => entry.key),
    ids.map((id) => t.key(id)).sort(compareNames),
  );
  for (const entry of entries) {
    assert.equal(text(entry.value), `value of ${entry.key.slice(t.prefix.length + 1)}`);
    assert(entry.revision > 0 && entry.createdRevision === entry.revision);
    assert(entry.operationId.length > 0);
  }
}

async function boundaries(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const ids = ["a", "a/1", "a/2", "a/b/1", "ab", "ab/1", "a*", "a*/1", "A/1"];
  for (const id of ids) await mustPut(backend, t.key(id), "x");
  const keysOf = async (id: string): Promise<string[]> =>
    (await collect(backend.kv.list(t.key(id)))).map((entry) => entry.key);
  assert.deepEqual(await keysOf("a"), [t.key("a/1"), t.key("a/2")]);
  assert.deepEqual(await keysOf("a/b"), [t.key("a/b/1")]);
  assert.deepEqual(await keysOf("ab"), [t.key("ab/1")]);
  assert.deepEqual(await keysOf("a*"), [t.key("a*/1")]);
  assert.deepEqual(await keysOf("a/1"), []);
}

async function pages(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const ids = Array.from({ length: 23 }, (_, index) => `k${String(index).padStart(2, "0")}`);
  await Promise.all(ids.map((id) => mustPut(backend, t.key(id), id)));
  for (const pageSize of [1, 2, 7, 22, 23, 24, 500]) {
    const entries = await collect(backend.kv.list(t.prefix, { pageSize }));
    const found = entries.map((entry) => text(entry.value));
    assert.deepEqual(found, ids, `pages of ${pageSize}`);
  }
}

async function hidden(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const ttlMs = shortTtlMs(backend);
  await mustPut(backend, t.key("stays"), "x");
  await mustPut(backend, t.key("expires"), "x", { ttlMs });
  await mustPut(backend, t.key("lasts"), "x", { ttlMs: 60_000 });
  await mustPut(backend, t.key("goes"), "x");
  await mustDelete(backend, t.key("goes"));
  await afterExpiry(t, backend, ttlMs);
  assert.equal(await backend.kv.get(t.key("expires")), undefined);
  const entries = await collect(backend.kv.list(t.prefix));
  assert.deepEqual(
    entries.map((entry) => entry.key),
    [t.key("lasts"), t.key("stays")],
  );
  const leftMs = entries[0]?.expiresInMs ?? 0;
  assert(leftMs > 0 && leftMs <= 60_000);
  assert.equal(entries[1]?.expiresInMs, undefined);
}

async function churn(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const stays = Array.from({ length: 40 }, (_, index) => t.key(`s${index}`));
  await Promise.all(stays.map((key) => mustPut(backend, key, "x")));
  let isListing = true;
  const churner = (async () => {
    for (let index = 0; isListing && index < 5_000; index++) {
      await backend.kv.put(t.key(`c${index % 20}`), "x");
      await backend.kv.delete(t.key(`c${(index + 10) % 20}`));
    }
  })();
  for (let round = 0; round < 5; round++) {
    const keys = (await collect(backend.kv.list(t.prefix, { pageSize: 7 }))).map(({ key }) => key);
    assert.equal(new Set(keys).size, keys.length, "a key was listed twice");
    for (const key of stays) assert(keys.includes(key), `${key} was missed`);
  }
  isListing = false;
  await churner;
}

async function early(t: CaseContext): Promise<void> {
  const backend = await t.open();
  for (let index = 0; index < 5; index++) await mustPut(backend, t.key(`${index}`), "x");
  let seen = 0;
  for await (const entry of backend.kv.list(t.prefix, { pageSize: 2 })) {
    assert.equal(entry.key, t.key("0"));
    seen += 1;
    break;
  }
  assert.equal(seen, 1);
  assert.equal((await collect(backend.kv.list(t.prefix))).length, 5);
}
