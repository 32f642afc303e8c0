/**
 * Watches of kv: state, `synced`, changes, and what outages may not lose (cases 35 to 44).
 */
import { strict as assert } from "node:assert";
import type { Backend, Change } from "@quorate/core";
import type { Area, CaseContext } from "../case.ts";
import { collect, mustDelete, mustPut, text } from "../kit.ts";
import { shortTtlMs } from "../times.ts";
import {
  assertRevisionsGrow,
  asState,
  isSynced,
  ofState,
  stateOf,
  watchKv,
  Watching,
} from "../watching.ts";

export const watches: Area = {
  name: "watch",
  cases: [
    { name: "33 takes what its target names: one key, or what is below a prefix", run: boundaries },
    { name: "35 tells the state, then `synced`, then changes", run: stateFirst },
    { name: "36 a target with nothing in it syncs", run: emptySyncs },
    { name: "37 per key revisions only grow", isAlone: true, run: inOrder },
    {
      name: "38 tells deletes and expiries with their reason",
      isAlone: true,
      run: reasons,
    },
    {
      name: "39 delete and re-create in an outage end in the last state",
      needs: ["cutLink", "restoreLink"],
      run: outage,
    },
    {
      name: "40 a slow reader costs memory by keys, not by traffic, and gets the last state",
      isAlone: true,
      run: slowReader,
    },
    {
      name: "41 a thousand watches of one key all see its last state",
      isAlone: true,
      run: manyWatches,
    },
    {
      name: "42 leaving a watch frees what the server held for it",
      needs: ["serverResources"],
      run: freesResources,
    },
    { name: "43 converges through twenty cuts", needs: ["cutSubscriptions"], run: throughCuts },
    {
      name: "44 a dead link is told as `stale`, its return as `synced`",
      needs: ["cutLink", "restoreLink"],
      run: staleThenSynced,
    },
    { name: "44b a silent server is told as `stale` too", needs: ["freeze", "thaw"], run: silence },
    {
      name: "survives a flush of the store, ending in its state",
      needs: ["flush"],
      run: throughFlush,
    },
    { name: "ends by its signal, with the signal's reason", run: endsBySignal },
    { name: "ends with the backend", run: endsByClose },
  ],
};

async function boundaries(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const below = await watchKv(t, backend.kv.watch(`${t.key("a")}/`));
  const one = await watchKv(t, backend.kv.watch(t.key("a")));
  for (const id of ["a", "ab", "ab/1", "a/1", "a/b/1", "a*", "A/1", "a/end"]) {
    await mustPut(backend, t.key(id), id);
  }
  await below.until("the last key", (seen) => stateOf(seen).has(t.key("a/end")));
  await one.until("the one key", (seen) => stateOf(seen).has(t.key("a")));
  assert.deepEqual([...stateOf(below.seen).values()], ["a/1", "a/b/1", "a/end"]);
  assert.deepEqual([...stateOf(one.seen).values()], ["a"]);
}

async function stateFirst(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const writer = await t.open();
  const first = await mustPut(backend, t.key("a"), "1");
  await mustPut(backend, t.key("b"), "1", { ttlMs: 60_000 });
  const watching = await watchKv(t, backend.kv.watch(`${t.prefix}/`));
  const kinds = ofState(watching.seen).map((change) => change.kind);
  assert.deepEqual(kinds, ["put", "put", "synced"]);
  const entry = putsOf(watching.seen).find(({ key }) => key === t.key("a"));
  assert.equal(entry?.revision, first.revision);
  assert.equal(entry.operationId, first.operationId);
  assert.equal(text(entry.value), "1");

  await mustPut(writer, t.key("a"), "2");
  await mustPut(writer, t.key("c"), "1");
  await watching.until("the changes", (seen) => stateOf(seen).size === 3);
  await watching.until("the last value", (seen) => stateOf(seen).get(t.key("a")) === "2");
  assertRevisionsGrow(watching.seen);
}

async function emptySyncs(t: CaseContext): Promise<void> {
  const { kv } = await t.open();
  for (const target of [`${t.prefix}/`, t.key("nothing")]) {
    const watching = await watchKv(t, kv.watch(target));
    assert.deepEqual(
      ofState(watching.seen).map((change) => change.kind),
      ["synced"],
    );
  }
}

async function inOrder(t: CaseContext): Promise<void> {
  const [reader, ...writers] = [await t.open(), await t.open(), await t.open()];
  const watching = await watchKv(t, reader.kv.watch(`${t.prefix}/`));
  const write = async (writer: Backend): Promise<void> => {
    for (let index = 0; index < t.crowd(150); index++) {
      await writer.kv.put(t.key(`${index % 3}`), `${index}`);
      if (index % 7 === 0) await writer.kv.delete(t.key(`${index % 3}`));
    }
  };
  await Promise.all(writers.map(write));
  await converges(t, reader, watching);
  assertRevisionsGrow(watching.seen);
}

async function reasons(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const ttlMs = shortTtlMs(backend);
  const watching = await watchKv(t, backend.kv.watch(`${t.prefix}/`));
  const deleted = await mustPut(backend, t.key("deleted"), "x");
  await watching.until("the first key", (seen) => stateOf(seen).size === 1);
  const revision = await mustDelete(backend, t.key("deleted"));
  const expired = await mustPut(backend, t.key("expired"), "x", { ttlMs });
  await watching.until("both ends", (seen) => endsOf(seen).length === 2, 10_000);
  const [first, second] = endsOf(watching.seen);
  assert.equal(first?.key, t.key("deleted"));
  assert.equal(first.reason, "deleted");
  assert.equal(first.revision, revision);
  assert(first.revision > deleted.revision);
  assert.equal(second?.key, t.key("expired"));
  assert.equal(second.reason, "expired");
  assert(second.revision > expired.revision);
  // What ended may come again, above the revision that ended it.
  const again = await mustPut(backend, t.key("expired"), "y");
  await watching.until("it came again", (seen) => stateOf(seen).get(t.key("expired")) === "y");
  assert(again.revision > second.revision);
}

async function outage(t: CaseContext): Promise<void> {
  const [reader, writer] = [await t.open(), await t.open()];
  for (const id of ["stays", "goes", "changes", "again"]) await mustPut(writer, t.key(id), "1");
  const watching = await watchKv(t, reader.kv.watch(`${t.prefix}/`));
  await t.fault("cutLink")(reader);
  await mustDelete(writer, t.key("goes"));
  await mustPut(writer, t.key("changes"), "2");
  await mustDelete(writer, t.key("again"));
  await mustPut(writer, t.key("again"), "2");
  await mustPut(writer, t.key("new"), "1");
  await t.fault("restoreLink")(reader);
  await converges(t, reader, watching);
  assertRevisionsGrow(watching.seen);
  const end = endsOf(watching.seen).find(({ key }) => key === t.key("goes"));
  assert(end !== undefined, "the delete that fell into the outage was told");
  const state = [...stateOf(watching.seen)].map(
    ([key, value]) => `${key.slice(t.prefix.length + 1)}${value}`,
  );
  assert.deepEqual(state.sort(), ["again2", "changes2", "new1", "stays1"]);
}

async function slowReader(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const target = `${t.prefix}/`;
  const slow = backend.kv.watch(target);
  const quick = await watchKv(t, backend.kv.watch(target));
  const rounds = t.crowd(600);
  for (let index = 0; index < rounds; index++) {
    await mustPut(backend, t.key(`hot${index % 3}`), `${index}`);
    await mustPut(backend, t.key(`churn${index}`), "x");
    await mustDelete(backend, t.key(`churn${index}`));
  }
  await mustPut(backend, t.key("last"), "x");
  await quick.until("the last write", (seen) => stateOf(seen).has(t.key("last")));
  await t.pass(50);
  if ("size" in slow)
    assert(Number(slow.size) <= 12, `${String(slow.size)} events are kept unread`);

  const late = new Watching<Change>(t, slow);
  await converges(t, backend, late);
  assert(late.seen.length <= 12, `${late.seen.length} events for 4 living keys`);
}

async function manyWatches(t: CaseContext): Promise<void> {
  const backend = await t.open();
  await mustPut(backend, t.key(), "first");
  const count = t.crowd(1_000);
  const watches: Watching<Change>[] = [];
  for (let index = 0; index < count; index++)
    watches.push(new Watching(t, backend.kv.watch(t.key())));
  const all = (what: string, holds: (watching: Watching<Change>) => boolean): Promise<void> =>
    t.until(what, () => watches.every(holds), 15_000);
  await all("all are synced", ({ seen }) => isSynced(seen));
  await mustPut(backend, t.key(), "last");
  await all("all see the last state", ({ seen }) => stateOf(seen).get(t.key()) === "last");
}

async function freesResources(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const resources = t.harness.serverResources;
  assert(resources !== undefined);
  // What an engine keeps for its lifetime is there after the first use.
  await watchKv(t, backend.kv.watch(t.key("warm"))).then((watching) => watching.stop());
  await t.pass(50);
  const before = await resources();
  const controller = new AbortController();
  const watches: Watching<Change>[] = [];
  for (let index = 0; index < 10; index++) {
    const { signal } = controller;
    const watching = new Watching(t, backend.kv.watch(t.key(`${index}`), { signal }));
    watches.push(watching);
    await watching.until("synced", isSynced);
  }
  for (const watching of watches.slice(0, 5)) await watching.stop();
  controller.abort(new Error("enough"));
  await t.until("the server is back where it was", async () => (await resources()) <= before);
}

async function throughCuts(t: CaseContext): Promise<void> {
  const [reader, writer] = [await t.open(), await t.open()];
  const watching = await watchKv(t, reader.kv.watch(`${t.prefix}/`));
  for (let cut = 0; cut < 20; cut++) {
    for (let index = 0; index < 5; index++) {
      const key = t.key(`${(cut + index) % 7}`);
      if ((cut * 5 + index) % 4 === 0) await writer.kv.delete(key);
      else await mustPut(writer, key, `${cut}.${index}`);
      if (index === 2) await t.fault("cutSubscriptions")(reader);
    }
    await t.pass(10);
  }
  await converges(t, reader, watching);
  assertRevisionsGrow(watching.seen);
}

async function staleThenSynced(t: CaseContext): Promise<void> {
  const reader = await t.open();
  const watching = await watchKv(t, reader.kv.watch(`${t.prefix}/`));
  await t.fault("cutLink")(reader);
  await watching.until("stale", (seen) => seen.at(-1)?.kind === "stale", 10_000);
  const stale = watching.seen.at(-1);
  assert(stale?.kind === "stale" && stale.sinceMs <= reader.runtime.time.monotonicMs());
  await t.fault("restoreLink")(reader);
  await watching.until("synced again", isSynced, 15_000);
  const fresh = reader.kv.watch(`${t.prefix}/`);
  await watchKv(t, fresh);
}

async function silence(t: CaseContext): Promise<void> {
  const reader = await t.open();
  const watching = await watchKv(t, reader.kv.watch(`${t.prefix}/`));
  await t.fault("freeze")();
  try {
    await watching.until("stale", (seen) => seen.at(-1)?.kind === "stale", 15_000);
  } finally {
    await t.fault("thaw")();
  }
  await watching.until("synced again", isSynced, 15_000);
  await mustPut(reader, t.key(), "after");
  await watching.until("what came after", (seen) => stateOf(seen).get(t.key()) === "after");
}

async function throughFlush(t: CaseContext): Promise<void> {
  const backend = await t.open();
  await mustPut(backend, t.key("gone"), "1");
  await mustPut(backend, t.key("again"), "1");
  const watching = await watchKv(t, backend.kv.watch(`${t.prefix}/`));
  await t.pass(20);
  await t.fault("flush")();
  await t.until(
    "a write is served",
    () =>
      backend.kv.put(t.key("again"), "2").then(
        (result) => result.ok,
        () => false,
      ),
    15_000,
  );
  const after = [[t.key("again"), "2"]];
  const told = (seen: readonly Change[]): boolean =>
    JSON.stringify([...stateOf(seen)]) === JSON.stringify(after);
  await watching.until("the state after the flush", told, 20_000);
  assertRevisionsGrow(watching.seen);
}

async function endsBySignal(t: CaseContext): Promise<void> {
  const { kv } = await t.open();
  const controller = new AbortController();
  const watching = await watchKv(t, kv.watch(t.key(), { signal: controller.signal }));
  const reason = new Error("enough");
  controller.abort(reason);
  await t.until("the watch ended", () => watching.ended !== undefined);
  assert.equal(watching.ended?.error, reason);
}

async function endsByClose(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const watching = await watchKv(t, backend.kv.watch(t.key()));
  await backend.close();
  await t.until("the watch ended", () => watching.ended !== undefined);
}

/** The reader believes in what the store has. */
async function converges(
  t: CaseContext,
  backend: Backend,
  watching: Watching<Change>,
): Promise<void> {
  const truth = asState(await collect(backend.kv.list(t.prefix)));
  const same = (seen: readonly Change[]): boolean => {
    const told = stateOf(seen);
    return told.size === truth.size && [...truth].every(([key, value]) => told.get(key) === value);
  };
  await watching.until("the watch converges", (seen) => isSynced(seen) && same(seen), 15_000);
}

function putsOf(seen: readonly Change[]) {
  return seen.flatMap((change) => (change.kind === "put" ? [change.entry] : []));
}

function endsOf(seen: readonly Change[]) {
  return seen.flatMap((change) => (change.kind === "delete" ? [change] : []));
}
