/**
 * Watches of leases: who holds, then grants and ends in order.
 */
import { strict as assert } from "node:assert";
import type { LeaseEvent } from "@quorate/core";
import type { Area, CaseContext } from "../case.ts";
import { claim, mustAcquire } from "../kit.ts";
import { shortTtlMs } from "../times.ts";
import { isSynced, ofState, watchLeases, Watching } from "../watching.ts";

export const leaseWatches: Area = {
  name: "lease watch",
  cases: [
    { name: "tells who holds, then `synced`, then grants and ends", run: tells },
    { name: "tells a release and an expiry by their reason", isAlone: true, run: reasons },
    { name: "a renewal of one lease does not put off the end of another", run: nearerEnd },
    { name: "takes one name, or what is below a prefix", run: boundaries },
    { name: "grants of one name come in order of their tokens, each ended once", run: inOrder },
    {
      name: "an end that fell into an outage is told after it",
      needs: ["cutLink", "restoreLink"],
      run: outage,
    },
    {
      name: "a slow reader costs memory by claims alive, not by traffic",
      isAlone: true,
      run: slowReader,
    },
    { name: "ends by its signal, and with the backend", run: ends },
  ],
};

async function tells(t: CaseContext): Promise<void> {
  const [holder, observer] = [await t.open(), await t.open()];
  const first = await mustAcquire(holder, t.key("a"), claim(holder, 30_000, { data: "facts" }));
  const watching = await watchLeases(t, observer.leases.watch(`${t.prefix}/`));
  const [granted, synced] = ofState(watching.seen);
  assert(granted?.kind === "granted" && synced?.kind === "synced");
  assert.equal(granted.name, t.key("a"));
  assert.equal(granted.holder.owner, first.owner);
  assert.equal(granted.holder.fencingToken, first.fencingToken);
  assert.equal(granted.holder.data, "facts");
  const second = await mustAcquire(holder, t.key("b"), claim(holder, 30_000));
  await holder.leases.release(first);
  await watching.until("both", (seen) => ofState(seen).length === 4);
  const [, , next, ended] = ofState(watching.seen);
  assert(next?.kind === "granted" && next.holder.fencingToken === second.fencingToken);
  assert(ended?.kind === "ended" && ended.fencingToken === first.fencingToken);
  assert.equal(ended.owner, first.owner);
  assert.equal(ended.name, t.key("a"));
}

async function reasons(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const watching = await watchLeases(t, backend.leases.watch(`${t.prefix}/`));
  const released = await mustAcquire(backend, t.key("r"), claim(backend, 30_000));
  const short = claim(backend, shortTtlMs(backend));
  const expired = await mustAcquire(backend, t.key("e"), short);
  await watching.until("both grants", (seen) => endsAndGrants(seen).length === 2);
  await backend.leases.release(released);
  await watching.until("both ends", (seen) => endsAndGrants(seen).length === 4, 10_000);
  const ends = watching.seen.flatMap((event) => (event.kind === "ended" ? [event] : []));
  assert.deepEqual(
    ends.map((end) => [end.fencingToken, end.reason]),
    [
      [released.fencingToken, "released"],
      [expired.fencingToken, "expired"],
    ],
  );
}

/** The watch looks when the first lease would have ended, and finds it moved far away. */
async function nearerEnd(t: CaseContext): Promise<void> {
  const [holder, observer] = [await t.open(), await t.open()];
  const ttlMs = 2 * shortTtlMs(holder);
  const watching = await watchLeases(t, observer.leases.watch(`${t.prefix}/`));
  const renewed = await mustAcquire(holder, t.key("renewed"), claim(holder, ttlMs));
  await watching.until("the first grant", (seen) => tokensOf(seen, "granted").length === 1);
  assert.deepEqual(await holder.leases.renew([{ ...renewed, ttlMs: 60_000 }]), ["renewed"]);
  const ending = await mustAcquire(holder, t.key("ending"), claim(holder, 1.5 * ttlMs));
  await watching.until(
    "the nearer end",
    (seen) => tokensOf(seen, "ended").includes(ending.fencingToken),
    1.5 * ttlMs + holder.capabilities.expiryLagMs + 1_000,
  );
  assert.deepEqual(tokensOf(watching.seen, "ended"), [ending.fencingToken]);
}

async function boundaries(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const below = await watchLeases(t, backend.leases.watch(`${t.key("a")}/`));
  const one = await watchLeases(t, backend.leases.watch(t.key("a")));
  for (const id of ["a", "ab", "ab/1", "a/1", "a/b/1", "a*", "a/end"]) {
    await mustAcquire(backend, t.key(id), claim(backend, 30_000));
  }
  await below.until("the last", (seen) => namesOf(seen).includes(t.key("a/end")));
  await one.until("the one", (seen) => namesOf(seen).length > 0);
  assert.deepEqual(
    namesOf(below.seen),
    ["a/1", "a/b/1", "a/end"].map((id) => t.key(id)),
  );
  assert.deepEqual(namesOf(one.seen), [t.key("a")]);
}

async function inOrder(t: CaseContext): Promise<void> {
  const [observer, holder] = [await t.open(), await t.open()];
  const watching = await watchLeases(t, observer.leases.watch(t.key()));
  const tokens: number[] = [];
  for (let round = 0; round < 30; round++) {
    const grant = await mustAcquire(holder, t.key(), claim(holder, 30_000));
    tokens.push(grant.fencingToken);
    await holder.leases.release(grant);
  }
  const last = await mustAcquire(holder, t.key(), claim(holder, 30_000));
  await watching.until("the last grant", (seen) =>
    tokensOf(seen, "granted").includes(last.fencingToken),
  );
  const granted = tokensOf(watching.seen, "granted");
  assert.deepEqual(
    granted,
    [...new Set(granted)].sort((left, right) => left - right),
  );
  assert(granted.every((token) => token === last.fencingToken || tokens.includes(token)));
  assert.deepEqual(tokensOf(watching.seen, "ended"), granted.slice(0, -1));
}

async function outage(t: CaseContext): Promise<void> {
  const [observer, holder] = [await t.open(), await t.open()];
  const first = await mustAcquire(holder, t.key("a"), claim(holder, 30_000));
  const watching = await watchLeases(t, observer.leases.watch(`${t.prefix}/`));
  await t.fault("cutLink")(observer);
  await holder.leases.release(first);
  const second = await mustAcquire(holder, t.key("a"), claim(holder, 30_000));
  await t.fault("restoreLink")(observer);
  await watching.until(
    "the truth after the outage",
    (seen) =>
      isSynced(seen) &&
      tokensOf(seen, "ended").includes(first.fencingToken) &&
      tokensOf(seen, "granted").includes(second.fencingToken),
    15_000,
  );
}

async function slowReader(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const slow = backend.leases.watch(`${t.prefix}/`);
  const quick = await watchLeases(t, backend.leases.watch(`${t.prefix}/`));
  for (let round = 0; round < t.crowd(200); round++) {
    const grant = await mustAcquire(backend, t.key(`${round % 3}`), claim(backend, 30_000));
    await backend.leases.release(grant);
  }
  const last = await mustAcquire(backend, t.key("last"), claim(backend, 30_000));
  await quick.until("the last grant", (seen) =>
    tokensOf(seen, "granted").includes(last.fencingToken),
  );
  await t.pass(50);
  const late = new Watching<LeaseEvent>(t, slow);
  await late.until("the last grant", (seen) =>
    tokensOf(seen, "granted").includes(last.fencingToken),
  );
  assert(late.seen.length <= 8, `${late.seen.length} events for one living claim`);
}

async function ends(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const controller = new AbortController();
  const { signal } = controller;
  const aborted = await watchLeases(t, backend.leases.watch(t.key(), { signal }));
  const closed = await watchLeases(t, backend.leases.watch(t.key()));
  const reason = new Error("enough");
  controller.abort(reason);
  await t.until("the signal ends it", () => aborted.ended !== undefined);
  assert.equal(aborted.ended?.error, reason);
  await backend.close();
  await t.until("close ends it", () => closed.ended !== undefined);
}

function endsAndGrants(seen: readonly LeaseEvent[]): readonly LeaseEvent[] {
  return seen.filter(({ kind }) => kind === "granted" || kind === "ended");
}

function namesOf(seen: readonly LeaseEvent[]): string[] {
  return seen.flatMap((event) => (event.kind === "granted" ? [event.name] : []));
}

function tokensOf(seen: readonly LeaseEvent[], kind: "granted" | "ended"): number[] {
  return seen.flatMap((event) => {
    if (event.kind === "granted" && kind === "granted") return [event.holder.fencingToken];
    return event.kind === "ended" && kind === "ended" ? [event.fencingToken] : [];
  });
}
