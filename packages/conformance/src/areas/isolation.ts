/**
 * Namespaces and names: nothing reaches outside its own, whatever characters it has.
 */
import { strict as assert } from "node:assert";
import { type Backend } from "@quorate/core";
import type { Area, CaseContext } from "../case.ts";
import { bytes, claim, collect, mustAcquire, mustPut, text } from "../kit.ts";
import { isSynced, stateOf, Watching } from "../watching.ts";

export const isolation: Area = {
  name: "isolation",
  cases: [
    { name: "namespaces with odd names are apart in kv, leases and bus", run: namespaces },
    { name: "one namespace is shared by all who open it", run: sameNamespace },
    { name: "hostile names are names like any other", run: hostileNames },
    { name: "names of random bytes come back, and stay apart", run: randomNames },
    { name: "hostile subjects reach exactly their own listeners", run: hostileSubjects },
    { name: "an illegal namespace is refused", run: illegalNamespace },
  ],
};

/** Everything that is special to some server, client or encoding. */
const HOSTILE = [
  "*",
  ">",
  "**",
  "a*",
  "a.>",
  "$JS",
  "$SYS.>",
  "_INBOX.x",
  "{a}",
  "{}",
  "}{",
  "a:b",
  "[a-z]",
  "?",
  "\\",
  "\\*",
  "%00",
  "=2F",
  "=",
  "a=b",
  " ",
  " a",
  "a ",
  ".",
  "..",
  "a.b",
  "'",
  '"',
  "`",
  "--",
  "\u2028",
  "\u00a0",
  "\u200b",
  "\ufeff",
  "😀",
  "__proto__",
  "constructor",
  "toString",
];

async function namespaces(t: CaseContext): Promise<void> {
  const base = t.prefix;
  const spaces = [
    base,
    `${base}/b`,
    `${base}*`,
    `${base}.b`,
    `${base}>`,
    `${base}b`,
    `${base}{b}`,
    `${base}:b`,
  ];
  const seen = new Map<string, string[]>();
  const watches = new Map<string, Watching<{ kind: string }>>();
  const backends = new Map<string, Backend>();
  for (const namespace of spaces) {
    const backend = await t.open({ namespace });
    backends.set(namespace, backend);
    const messages: string[] = [];
    seen.set(namespace, messages);
    await backend.bus.subscribe("", (message) => void messages.push(text(message.data) ?? ""));
    const watching = new Watching(t, backend.kv.watch(""));
    await watching.until("synced", isSynced);
    watches.set(namespace, watching);
  }
  for (const [namespace, backend] of backends) {
    await mustPut(backend, "b/k", namespace);
    await mustAcquire(backend, "b/k", claim(backend, 60_000, { data: namespace }));
    await backend.bus.publish("b/k", bytes(namespace));
  }
  for (const [namespace, backend] of backends) {
    assert.equal(text((await backend.kv.get("b/k"))?.value), namespace);
    assert.equal((await collect(backend.kv.list("b"))).length, 1);
    assert.equal(await backend.kv.get("k"), undefined);
    assert.equal((await backend.leases.inspect("b/k")).holders[0]?.data, namespace);
    assert.equal((await collect(backend.leases.list(""))).length, 1);
    await t.until("its own message", () => seen.get(namespace)?.includes(namespace) === true);
    const watching = watches.get(namespace);
    await watching?.until("its own put", (events) => events.some(({ kind }) => kind === "put"));
  }
  await t.pass(50);
  for (const namespace of spaces) {
    assert.deepEqual(seen.get(namespace), [namespace]);
    const puts = watches.get(namespace)?.seen.filter(({ kind }) => kind === "put");
    assert.equal(puts?.length, 1, `the watch of ${namespace} sees its own put only`);
  }
  for (const backend of backends.values()) await backend.kv.delete("b/k");
}

async function sameNamespace(t: CaseContext): Promise<void> {
  const namespace = `${t.prefix}/shared`;
  const [one, two] = [await t.open({ namespace }), await t.open({ namespace })];
  const elsewhere = await t.open();
  await mustPut(one, "k", "x");
  assert.equal(text((await two.kv.get("k"))?.value), "x");
  assert.equal(await elsewhere.kv.get("k"), undefined);
  await two.kv.delete("k");
}

async function hostileNames(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const watching = new Watching(t, backend.kv.watch(`${t.prefix}/`));
  for (const id of HOSTILE) {
    await mustPut(backend, t.key(id), id);
    await mustAcquire(backend, t.key(id), claim(backend, 60_000, { data: id }));
  }
  for (const id of HOSTILE) {
    assert.equal(text((await backend.kv.get(t.key(id)))?.value), id);
    const { holders } = await backend.leases.inspect(t.key(id));
    assert.deepEqual(
      holders.map(({ data }) => data),
      [id],
    );
  }
  const listed = (await collect(backend.kv.list(t.prefix))).map((entry) => entry.key);
  assert.deepEqual(listed.sort(), HOSTILE.map((id) => t.key(id)).sort());
  await watching.until("all of them", (seen) => stateOf(seen).size === HOSTILE.length);
  for (const [key, value] of stateOf(watching.seen)) assert.equal(key, t.key(value));
}

/** Segments of random code points, among them every ASCII character that a name may have. */
async function randomNames(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const { random } = t;
  const ids = new Set<string>();
  for (let code = 0x20; code < 0x7f; code++) {
    if (code !== 0x2f) ids.add(`x${String.fromCharCode(code)}y`);
  }
  while (ids.size < 150) {
    const length = 1 + Math.floor(random.next() * 20);
    const points = Array.from({ length }, () => 0xa0 + Math.floor(random.next() * 0x1_0000));
    const id = String.fromCodePoint(...points.filter((point) => point < 0xd800 || point > 0xdfff));
    if (id !== "" && Buffer.byteLength(id) <= 128) ids.add(id);
  }
  await Promise.all([...ids].map((id) => mustPut(backend, t.key(id), id)));
  const entries = await collect(backend.kv.list(t.prefix));
  assert.equal(entries.length, ids.size);
  for (const entry of entries) {
    const id = entry.key.slice(t.prefix.length + 1);
    assert.equal(text(entry.value), id, `the key ${JSON.stringify(id)}`);
  }
}

async function hostileSubjects(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const seen: [string, string][] = [];
  for (const id of HOSTILE) {
    await backend.bus.subscribe(t.key(id), (message) => {
      seen.push([id, message.subject]);
    });
  }
  for (const id of HOSTILE) await backend.bus.publish(t.key(id), bytes("m"));
  await t.until("every listener has its own", () => seen.length >= HOSTILE.length);
  await t.pass(30);
  assert.equal(seen.length, HOSTILE.length, "a message reached somebody else's listener");
  for (const [id, subject] of seen) assert.equal(subject, t.key(id));
}

async function illegalNamespace(t: CaseContext): Promise<void> {
  for (const namespace of ["", "a//b", "a\0b", "a\r\nb", "/", "\ud800", "x".repeat(129)]) {
    const opened = await t.harness.open({ namespace }).then(
      async (backend) => {
        await backend.close();
        return true;
      },
      (error: unknown) => {
        const { code } = error as { code?: unknown };
        assert(code === "INVALID_ARGUMENT" || code === "TOO_LARGE", String(error));
        return false;
      },
    );
    assert(!opened, `the namespace ${JSON.stringify(namespace)} was accepted`);
  }
}
