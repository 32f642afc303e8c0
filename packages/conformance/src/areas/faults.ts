/**
 * Lost replies and stragglers (cases 50 to 54 of the plan).
 *
 * The rule of truth: a yes is a yes, a no counts only if it answered this very question, and
 * silence is unknown. An engine may recover by itself and answer; it may not guess.
 */
import { strict as assert } from "node:assert";
import type { Backend, PutOptions, PutResult } from "@quorate/core";
import type { Area, CaseContext } from "../case.ts";
import { insist } from "../insist.ts";
import { assertError, claim, mustAcquire, mustPut, text } from "../kit.ts";

const FREEZE = ["freeze", "thaw"] as const;

export const faults: Area = {
  name: "faults",
  cases: [
    {
      name: "50 reply lost after a create: asking again recognises it",
      needs: ["loseNextReply"],
      run: lostCreate,
    },
    {
      name: "50b reply lost after an update: asking again recognises it",
      needs: ["loseNextReply"],
      run: lostUpdate,
    },
    {
      name: "51 reply lost after a delete: it is gone, and asking again says so",
      needs: ["loseNextReply"],
      run: lostDelete,
    },
    {
      name: "52 contended, reply lost: unknown or ok, never `conflict` after it won",
      needs: ["loseNextReply"],
      isAlone: true,
      run: lostContended,
    },
    {
      name: "reply lost after an acquire: the same owner is granted at once",
      needs: ["loseNextReply"],
      run: lostAcquire,
    },
    {
      name: "reply lost after a release: asking again harms nobody",
      needs: ["loseNextReply"],
      run: lostRelease,
    },
    {
      name: "reply lost: resolve() tells that it was applied",
      needs: ["loseNextReply"],
      run: resolveApplied,
    },
    {
      name: "54 a straggler after resolve() said `none` never lands: update",
      needs: ["holdNextRequest"],
      run: stragglerUpdate,
    },
    {
      name: "54b a straggler after resolve() said `none` never lands: create",
      needs: ["holdNextRequest"],
      run: stragglerCreate,
    },
    {
      name: "54c through a frozen server, resolve() tells the truth for good",
      needs: FREEZE,
      run: stragglerFrozen,
    },
  ],
};

async function outcome<T>(t: CaseContext, call: Promise<T>): Promise<T | "unknown"> {
  const settled = call.catch((error: unknown) => {
    const known = assertError(error, ["OUTCOME_UNKNOWN", "STORE_UNAVAILABLE"]);
    assert(known.effect === "unknown", `it was applied, and the error says ${known.effect}`);
    return "unknown" as const;
  });
  return t.settle("the call whose reply is lost", settled, 10_000);
}

async function lostCreate(t: CaseContext): Promise<void> {
  const [backend, other] = [await t.open(), await t.open()];
  const options: PutOptions = { expect: "absent", operationId: "create" };
  await backend.ready();
  await t.fault("loseNextReply")(backend);
  const first = await outcome(t, backend.kv.put(t.key(), "mine", options));
  assert(first === "unknown" || first.ok, "the create that was applied was told as a conflict");
  const again = await insist(t, "ask again", () => backend.kv.put(t.key(), "mine", options));
  assert(again.ok, "asking again with the same operation id is not a conflict");
  assert(again.replayed);
  const found = await other.kv.get(t.key());
  assert.equal(found?.revision, again.entry.revision);
  assert.equal(text(found.value), "mine");
}

async function lostUpdate(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const before = await mustPut(backend, t.key(), "before");
  const options: PutOptions = { expect: before.revision, operationId: "update" };
  await t.fault("loseNextReply")(backend);
  const first = await outcome(t, backend.kv.put(t.key(), "after", options));
  assert(first === "unknown" || first.ok, "the update that was applied was told as a conflict");
  const again = await insist(t, "ask again", () => backend.kv.put(t.key(), "after", options));
  assert(again.ok);
  assert(again.replayed);
  assert.equal(again.entry.createdRevision, before.createdRevision);
  assert.equal(text((await backend.kv.get(t.key()))?.value), "after");
}

async function lostDelete(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const entry = await mustPut(backend, t.key(), "x");
  await t.fault("loseNextReply")(backend);
  await outcome(t, backend.kv.delete(t.key(), { expect: entry.revision, operationId: "delete" }));
  const again = await insist(t, "ask again", () =>
    backend.kv.delete(t.key(), { expect: entry.revision, operationId: "delete" }),
  );
  if (!again.ok) assert.equal(again.current, undefined);
  assert.equal(await backend.kv.get(t.key()), undefined);
}

async function lostContended(t: CaseContext): Promise<void> {
  const [backend, rival] = [await t.open(), await t.open()];
  for (let round = 0; round < 5; round++) {
    const key = t.key(`${round}`);
    const before = await mustPut(rival, key, "before");
    await insist(t, "the link is whole", () => backend.kv.get(key));
    await t.fault("loseNextReply")(backend);
    const mine = outcome(
      t,
      backend.kv.put(key, "mine", { expect: before.revision, operationId: "mine" }),
    );
    // Overwrites the moment it lands, before anything that is sent again can arrive.
    let hasLanded = false;
    for (let tries = 0; tries < 50 && !hasLanded; tries++) {
      hasLanded = (await rival.kv.get(key))?.operationId === "mine";
      if (!hasLanded) await Promise.resolve();
    }
    if (hasLanded) await mustPut(rival, key, "theirs");
    const answer: PutResult | "unknown" = await mine;
    const wasLie = hasLanded && answer !== "unknown" && !answer.ok;
    assert(!wasLie, "it won, was overwritten, and was told `conflict`");
  }
}

async function lostAcquire(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const request = claim(backend, 30_000);
  await backend.ready();
  await t.fault("loseNextReply")(backend);
  const first = await outcome(t, backend.leases.acquire(t.key(), request));
  assert(first === "unknown" || first.granted, "it was refused by its own grant");
  const again = await insist(t, "ask again", () => backend.leases.acquire(t.key(), request));
  assert(again.granted, "the same owner again must not be blocked by itself");
  const { holders } = await backend.leases.inspect(t.key());
  assert.deepEqual(
    holders.map(({ owner, fencingToken }) => [owner, fencingToken]),
    [[request.owner, again.fencingToken]],
  );
}

async function lostRelease(t: CaseContext): Promise<void> {
  const [backend, next] = [await t.open(), await t.open()];
  const grant = await mustAcquire(backend, t.key(), claim(backend, 30_000));
  await t.fault("loseNextReply")(backend);
  await outcome(t, backend.leases.release(grant));
  const successor = await mustAcquire(next, t.key(), claim(next, 30_000));
  await insist(t, "ask again", () => backend.leases.release(grant));
  assert.deepEqual(await next.leases.renew([successor]), ["renewed"]);
}

async function resolveApplied(t: CaseContext): Promise<void> {
  const backend = await t.open();
  await backend.ready();
  await t.fault("loseNextReply")(backend);
  const error = await unknownOf(t, backend.kv.put(t.key(), "mine", { expect: "absent" }));
  if (error === undefined) return; // The engine recovered by itself: nothing is unknown.
  assert(error.resolve !== undefined, "an unknown put can be settled");
  const { resolve } = error;
  assert.equal(await insist(t, "resolve", () => resolve()), "applied");
  assert.equal(text((await backend.kv.get(t.key()))?.value), "mine");
}

async function unknownOf(t: CaseContext, put: Promise<PutResult>) {
  const settled = put.then(
    (result) => void assert(result.ok, "it was applied, and told as a conflict"),
    (error: unknown) => assertError(error, "OUTCOME_UNKNOWN", "unknown"),
  );
  return t.settle("the put", settled, 10_000);
}

async function stragglerUpdate(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const before = await mustPut(backend, t.key(), "before");
  await straggle(t, backend, { expect: before.revision });
  assert.equal(text((await backend.kv.get(t.key()))?.value), "before");
}

async function stragglerCreate(t: CaseContext): Promise<void> {
  const backend = await t.open();
  await backend.ready();
  await straggle(t, backend, { expect: "absent" });
  assert.equal(await backend.kv.get(t.key()), undefined);
}

async function straggle(t: CaseContext, backend: Backend, options: PutOptions): Promise<void> {
  const deliver = await t.fault("holdNextRequest")(backend);
  const put = backend.kv.put(t.key(), "straggler", { ...options, timeoutMs: 500 });
  const error = await t.rejection("the put on its way", put, 10_000);
  const { resolve } = assertError(error, "OUTCOME_UNKNOWN", "unknown");
  assert(resolve !== undefined, "an unknown put can be settled");
  assert.equal(await insist(t, "resolve", () => resolve()), "none");
  await deliver();
  await t.pass(200);
}

async function stragglerFrozen(t: CaseContext): Promise<void> {
  const [backend, observer] = [await t.open(), await t.open()];
  const before = await mustPut(backend, t.key("updated"), "before");
  await observer.ready();
  await t.fault("freeze")();
  const calls: [string, PutOptions][] = [
    ["updated", { expect: before.revision }],
    ["created", { expect: "absent" }],
  ];
  const errors: unknown[] = [];
  try {
    for (const [id, options] of calls) {
      const put = backend.kv.put(t.key(id), "late", {
        ...options,
        operationId: id,
        timeoutMs: 300,
      });
      errors.push(await t.rejection(`the put of ${id}`, put, 5_000));
    }
  } finally {
    await t.fault("thaw")();
  }
  for (const [index, [id]] of calls.entries()) {
    const { resolve } = assertError(errors[index], "OUTCOME_UNKNOWN", "unknown");
    assert(resolve !== undefined);
    const verdict = await insist(t, "resolve", () => resolve());
    assert.notEqual(verdict, "unknown", "nobody else wrote");
    for (let look = 0; look < 3; look++) {
      const found = await insist(t, "look", () => observer.kv.get(t.key(id)));
      const isThere = found?.operationId === id;
      assert.equal(isThere, verdict === "applied", `${id}: the verdict was ${verdict}`);
      await t.pass(150);
    }
  }
}
