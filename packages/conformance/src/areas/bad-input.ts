/**
 * Bad input is refused before anything is sent, in the same words by every engine.
 */
import { strict as assert } from "node:assert";
import type { Backend, LeaseRequest, RequestOptions } from "@quorate/core";
import type { Area, CaseContext } from "../case.ts";
import { assertError, assertRefused, bytes, claim, collect, mustAcquire, mustPut } from "../kit.ts";

export const badInput: Area = {
  name: "bad input",
  cases: [
    { name: "4 illegal names are refused everywhere alike", run: names },
    { name: "3 a value of the greatest size fits, one byte more does not", run: valueSize },
    { name: "durations that are none are refused", run: durations },
    { name: "revisions, weights and owners that are none are refused", run: numbers },
    { name: "operation ids of odd characters are refused", run: operationIds },
    { name: "values that are no bytes are refused", run: values },
    { name: "bus arguments that are none are refused", run: busArguments },
    { name: "a refused call leaves nothing behind", run: nothingBehind },
  ],
};

const ILLEGAL = ["", "/", "a//b", "/a", "a/", "a\0b", "a\r\nb", "a\u0085", "\ud800", "a/\udc00/b"];
const TOO_LARGE = ["x".repeat(129), "ü".repeat(65), Array(17).fill("a").join("/")];
const NO_DURATIONS = [0, -1, Number.NaN, Infinity, -Infinity, "5" as never, null as never];

/** Every call that takes a name. */
function namedCalls(backend: Backend, name: string): Record<string, () => Promise<unknown>> {
  return {
    get: () => backend.kv.get(name),
    put: () => backend.kv.put(name, "x"),
    delete: () => backend.kv.delete(name),
    acquire: () => backend.leases.acquire(name, claim(backend, 1_000)),
    release: () => backend.leases.release({ name, owner: "o" }),
    inspect: () => backend.leases.inspect(name),
    publish: () => backend.bus.publish(name, bytes("x")),
    request: () => backend.bus.request(name, bytes("x"), { timeoutMs: 100 }),
  };
}

async function names(t: CaseContext): Promise<void> {
  const backend = await t.open();
  for (const name of [...ILLEGAL, 5 as never, null as never, undefined as never]) {
    for (const call of Object.values(namedCalls(backend, name))) await assertRefused(call);
  }
  for (const name of TOO_LARGE) {
    for (const call of Object.values(namedCalls(backend, name))) {
      await assertRefused(call, "TOO_LARGE");
    }
  }
  for (const target of ["//", "/a", "a//", "a\0/", "\ud800/"]) {
    await assertRefused(() => backend.kv.watch(target).next());
    await assertRefused(() => backend.leases.watch(target).next());
    await assertRefused(() => backend.bus.subscribe(target, () => {}));
  }
  for (const collection of ["/", "a/", "a//b", "a\0b"]) {
    await assertRefused(() => collect(backend.kv.list(collection)));
  }
  for (const prefix of ["a", "//", "a\0/"]) {
    await assertRefused(() => collect(backend.leases.list(prefix)));
  }
}

async function valueSize(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const { maxValueBytes } = backend.capabilities;
  const largest = new Uint8Array(maxValueBytes).fill(7);
  await mustPut(backend, t.key(), largest);
  const found = await backend.kv.get(t.key());
  assert.equal(found?.value.byteLength, maxValueBytes);
  assert(found.value.every((byte) => byte === 7));
  const more = new Uint8Array(maxValueBytes + 1);
  const error = await assertRefused(() => backend.kv.put(t.key(), more), "TOO_LARGE");
  assert(error.code === "TOO_LARGE");
  assert.match(error.message, new RegExp(String(maxValueBytes)));
  assert.equal((await backend.kv.get(t.key()))?.revision, found.revision, "nothing was written");
}

async function durations(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const grant = await mustAcquire(backend, t.key("held"), claim(backend, 60_000));
  for (const bad of NO_DURATIONS) {
    if (bad !== null) {
      await assertRefused(() => backend.kv.put(t.key(), "x", { ttlMs: bad }));
      await assertRefused(() => backend.kv.get(t.key(), { timeoutMs: bad }));
    }
    await assertRefused(() => backend.leases.acquire(t.key(), claim(backend, bad)));
    await assertRefused(() => backend.leases.renew([{ ...grant, ttlMs: bad }]));
    await assertRefused(() => backend.bus.request(t.key(), bytes("x"), { timeoutMs: bad }));
  }
  const { minTtlMs } = backend.capabilities;
  await assertRefused(() => backend.leases.acquire(t.key(), claim(backend, minTtlMs / 2)));
  for (const waitMs of [-1, Number.NaN, "1" as never]) {
    await assertRefused(() => backend.leases.acquire(t.key(), claim(backend, 1_000, { waitMs })));
  }
  await assertRefused(() => backend.close({ graceMs: Number.NaN }));
}

async function numbers(t: CaseContext): Promise<void> {
  const backend = await t.open();
  for (const expect of [0, -1, 1.5, Number.NaN, 2 ** 53, "1" as never]) {
    await assertRefused(() => backend.kv.put(t.key(), "x", { expect }));
    await assertRefused(() => backend.kv.delete(t.key(), { expect }));
  }
  const bad: Partial<LeaseRequest>[] = [
    { weight: 0 },
    { weight: 1.5 },
    { weight: 3, capacity: 2 },
    { capacity: 0 },
    { capacity: Number.NaN },
    { owner: "" },
    { owner: "o".repeat(129) },
    { owner: "\ud800" },
    { data: "x".repeat(4_097) },
    { data: "ü".repeat(2_049) },
    { data: 5 as never },
  ];
  for (const more of bad) {
    await assertRefused(() => backend.leases.acquire(t.key(), claim(backend, 1_000, more)));
  }
  await assertRefused(() => backend.leases.acquire(t.key(), undefined as never));
  await assertRefused(() => backend.leases.renew([{ name: t.key(), owner: "o" } as never]));
  await assertRefused(() => backend.leases.renew("x" as never));
  await assertRefused(() => backend.leases.release(null as never));
  const token = { name: t.key(), owner: "o", fencingToken: 1.5 };
  await assertRefused(() => backend.leases.release(token));
  for (const pageSize of [0, -1, 1.5, Number.NaN]) {
    await assertRefused(() => collect(backend.kv.list(t.prefix, { pageSize })));
    await assertRefused(() => collect(backend.leases.list(`${t.prefix}/`, { pageSize })));
  }
  await mustAcquire(backend, t.key("data"), claim(backend, 60_000, { data: "x".repeat(4_096) }));
}

async function operationIds(t: CaseContext): Promise<void> {
  const backend = await t.open();
  for (const operationId of ["", "a b", "a\r\n", "ü", "x".repeat(65), "a:b", 5 as never]) {
    await assertRefused(() => backend.kv.put(t.key(), "x", { operationId }));
    await assertRefused(() => backend.kv.delete(t.key(), { operationId }));
  }
  await mustPut(backend, t.key(), "x", { operationId: "0aZ_-".padEnd(64, "x") });
}

async function values(t: CaseContext): Promise<void> {
  const backend = await t.open();
  for (const value of [5, null, undefined, {}, [1], new ArrayBuffer(1), "\ud800"]) {
    await assertRefused(() => backend.kv.put(t.key(), value as never));
  }
  const signal = {} as never;
  await assertRefused(() => backend.kv.get(t.key(), { signal }));
}

async function busArguments(t: CaseContext): Promise<void> {
  const { bus, capabilities } = await t.open();
  const data = bytes("x");
  for (const bad of ["text", null, [1], new ArrayBuffer(1)]) {
    await assertRefused(() => bus.publish(t.key(), bad as never));
  }
  const huge = new Uint8Array(capabilities.maxValueBytes + 1);
  await assertRefused(() => bus.publish(t.key(), huge), "TOO_LARGE");
  await assertRefused(() => bus.subscribe(t.key(), "handler" as never));
  for (const queue of ["", "a/b", "a\0b", 5 as never]) {
    await assertRefused(() => bus.subscribe(t.key(), () => {}, { queue }));
  }
  const badHeaders: Record<string, string>[] = [
    { Upper: "x" },
    { "a b": "x" },
    { "": "x" },
    { ["n".repeat(65)]: "x" },
    { a: "x\r\ny: z" },
    { a: "\0" },
    { a: "\ud800" },
    { a: 5 as never },
  ];
  for (const headers of badHeaders) {
    await assertRefused(() => bus.publish(t.key(), data, { headers }));
    await assertRefused(() => bus.request(t.key(), data, { headers, timeoutMs: 100 }));
  }
  const tooLong = { a: "v".repeat(1_025) };
  await assertRefused(() => bus.publish(t.key(), data, { headers: tooLong }), "TOO_LARGE");
  const many = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`h${index}`, "v"]));
  await assertRefused(() => bus.publish(t.key(), data, { headers: many }), "TOO_LARGE");
  const missing = undefined as unknown as RequestOptions;
  await assertRefused(() => bus.request(t.key(), data, missing));
}

async function nothingBehind(t: CaseContext): Promise<void> {
  const backend = await t.open();
  await assertRefused(() => backend.kv.put(t.key(), "x", { ttlMs: -1 }));
  await assertRefused(() => backend.leases.acquire(t.key(), claim(backend, -1)));
  assert.equal(await backend.kv.get(t.key()), undefined);
  assert.deepEqual((await backend.leases.inspect(t.key())).holders, []);
  const error = await backend.bus
    .request(t.key(), bytes("x"), { timeoutMs: 500 })
    .catch((error: unknown) => error);
  assertError(error, "NO_RESPONDERS", "none");
}
