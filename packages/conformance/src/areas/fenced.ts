/**
 * Fenced writes: the floor and the effect move in one step, and a stale token moves neither.
 *
 * Optional: an engine without `kv.fenced` leaves these to the guard, which builds them from `put`;
 * both ways must leave the same bytes.
 */
import { strict as assert } from "node:assert";
import {
  type Backend,
  decodeFenceRecord,
  encodeFenceRecord,
  FENCE_HEADER_BYTES,
  type FencedWrites,
} from "@quorate/core";
import type { Area, CaseContext } from "../case.ts";
import { assertError, assertRefused, bytes, mustPut, text } from "../kit.ts";

export const fenced: Area = {
  name: "fenced writes",
  cases: [
    { name: "a write raises the floor and stores the payload", run: writes },
    { name: "a token below the floor is refused, and changes nothing", run: refuses },
    { name: "raise keeps the payload, and shuts out older tokens", run: raises },
    { name: "the record is the one that the generic way makes", run: sameBytes },
    { name: "the same operation id again is the same write", run: replays },
    {
      name: "reply lost: asking again is no stale token",
      needs: ["loseNextReply"],
      run: lostReply,
    },
    { name: "of many writers at once the greatest token stays", run: greatestStays },
    { name: "a value that is no fence record is left as it is", run: foreign },
    { name: "bad tokens and payloads are refused", run: badInput },
  ],
};

/** The engine's fenced writes; without them the case does not apply. */
function fencedOf(t: CaseContext, backend: Backend): FencedWrites {
  t.gate(backend.kv.fenced !== undefined, "the engine has no kv.fenced; the guard uses put");
  assert(backend.kv.fenced !== undefined);
  return backend.kv.fenced;
}

async function recordOf(t: CaseContext, backend: Backend) {
  const entry = await backend.kv.get(t.key());
  const record = entry === undefined ? undefined : decodeFenceRecord(entry.value);
  return record === undefined ? undefined : [record.floor, text(record.payload)];
}

async function writes(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const writer = fencedOf(t, backend);
  const first = await writer.write(t.key(), 10, bytes("one"));
  assert(first.ok);
  assert.equal((await backend.kv.get(t.key()))?.revision, first.revision);
  assert.deepEqual(await recordOf(t, backend), [10, "one"]);
  const equal = await writer.write(t.key(), 10, bytes("two"));
  assert(equal.ok && equal.revision > first.revision, "an equal token is the same holder");
  assert((await writer.write(t.key(), 11, bytes("three"))).ok);
  assert.deepEqual(await recordOf(t, backend), [11, "three"]);
}

async function refuses(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const writer = fencedOf(t, backend);
  const written = await writer.write(t.key(), Number.MAX_SAFE_INTEGER - 1, bytes("new"));
  assert(written.ok);
  const floor = Number.MAX_SAFE_INTEGER - 1;
  for (const token of [1, 9, floor - 1]) {
    assert.deepEqual(await writer.write(t.key(), token, bytes("old")), { ok: false, floor });
    assert.deepEqual(await writer.raise(t.key(), token), { ok: false, floor });
  }
  assert.equal((await backend.kv.get(t.key()))?.revision, written.revision);
  assert((await writer.write(t.key(), Number.MAX_SAFE_INTEGER, bytes("last"))).ok);
}

async function raises(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const writer = fencedOf(t, backend);
  assert((await writer.raise(t.key(), 5)).ok, "nothing there: an empty payload");
  assert.deepEqual(await recordOf(t, backend), [5, ""]);
  await writer.write(t.key(), 5, bytes("kept"));
  assert((await writer.raise(t.key(), 8)).ok);
  assert.deepEqual(await recordOf(t, backend), [8, "kept"]);
  const late = await writer.write(t.key(), 7, bytes("late"));
  assert.deepEqual(late, { ok: false, floor: 8 });
}

async function sameBytes(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const writer = fencedOf(t, backend);
  const payload = Uint8Array.from({ length: 256 }, (_, index) => index);
  await mustPut(backend, t.key("generic"), encodeFenceRecord({ floor: 1_234_567, payload }));
  await writer.write(t.key("fenced"), 1_234_567, payload);
  const generic = await backend.kv.get(t.key("generic"));
  const native = await backend.kv.get(t.key("fenced"));
  assert(generic !== undefined && native !== undefined);
  assert.equal(Buffer.compare(generic.value, native.value), 0);
  const over = await writer.write(t.key("generic"), 1_234_566, payload);
  assert.deepEqual(over, { ok: false, floor: 1_234_567 });
}

async function replays(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const writer = fencedOf(t, backend);
  const options = { operationId: "same" };
  const first = await writer.write(t.key(), 3, bytes("x"), options);
  const again = await writer.write(t.key(), 3, bytes("x"), options);
  assert(first.ok && again.ok);
  assert.equal(again.revision, first.revision);
}

async function lostReply(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const writer = fencedOf(t, backend);
  await backend.ready();
  await t.fault("loseNextReply")(backend);
  const options = { operationId: "lost" };
  const call = writer.write(t.key(), 3, bytes("x"), options).catch((error: unknown) => {
    assertError(error, "OUTCOME_UNKNOWN", "unknown");
    return undefined;
  });
  const first = await t.settle("the write", call, 10_000);
  assert(first === undefined || first.ok);
  await t.until("the link is whole", async () => {
    const again = await writer.write(t.key(), 3, bytes("x"), options).catch(() => undefined);
    assert(again === undefined || again.ok);
    return again !== undefined;
  });
  assert.deepEqual(await recordOf(t, backend), [3, "x"]);
}

async function greatestStays(t: CaseContext): Promise<void> {
  const [one, two] = [await t.open(), await t.open()];
  const [even, odd] = [fencedOf(t, one), fencedOf(t, two)];
  const tokens = Array.from({ length: 40 }, (_, index) => 1 + ((index * 17) % 40));
  const results = await Promise.all(
    tokens.map((token, index) =>
      (index % 2 === 0 ? even : odd).write(t.key(), token, bytes(`${token}`)),
    ),
  );
  assert.deepEqual(await recordOf(t, one), [40, "40"]);
  assert(results[tokens.indexOf(40)]?.ok, "nothing is above the greatest");
  for (const [index, result] of results.entries()) {
    if (!result.ok) assert(result.floor > (tokens[index] ?? 0));
  }
}

async function foreign(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const writer = fencedOf(t, backend);
  for (const value of ["plain", "", "0000000000000000x", "999999999999999", "x".repeat(40)]) {
    await mustPut(backend, t.key(), value);
    await assertRefused(() => writer.write(t.key(), 5, bytes("x")), "RECORD_INVALID");
    await assertRefused(() => writer.raise(t.key(), 5), "RECORD_INVALID");
    assert.equal(text((await backend.kv.get(t.key()))?.value), value);
  }
}

async function badInput(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const writer = fencedOf(t, backend);
  for (const token of [0, -1, 1.5, Number.NaN, 2 ** 53, "5" as never]) {
    await assertRefused(() => writer.write(t.key(), token, bytes("x")));
    await assertRefused(() => writer.raise(t.key(), token));
  }
  await assertRefused(() => writer.write("a//b", 1, bytes("x")));
  await assertRefused(() => writer.write(t.key(), 1, bytes("x"), { operationId: "a b" }));
  const room = backend.capabilities.maxValueBytes - FENCE_HEADER_BYTES;
  const tooMuch = new Uint8Array(room + 1);
  await assertRefused(() => writer.write(t.key(), 1, tooMuch), "TOO_LARGE");
  assert((await writer.write(t.key(), 1, new Uint8Array(room))).ok);
}
