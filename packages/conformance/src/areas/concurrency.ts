/**
 * Many at once: one winner, no lost update, and reads that respect real time (cases 45 to 49).
 */
import { strict as assert } from "node:assert";
import { type Backend, systemRuntime } from "@quorate/core";
import type { Area, CaseContext } from "../case.ts";
import { bytes, claim, mustPut, text } from "../kit.ts";

export const concurrency: Area = {
  name: "concurrency",
  cases: [
    { name: "45 sixty-four clients create one key: one winner", run: oneWinner },
    { name: "45b sixty-four clients claim one lease: one winner", run: oneHolder },
    { name: "46 a counter by compare-and-set: acknowledged = final", isAlone: true, run: counter },
    { name: "47 reads and writes of one key respect real time", isAlone: true, run: linearizable },
    {
      name: "48 a race of creates and deletes never has two owners",
      isAlone: true,
      run: createDeleteRace,
    },
    {
      name: "49 what was acknowledged is read through every other process",
      isAlone: true,
      run: readAfterAck,
    },
  ],
};

const CLIENTS = 64;

/** Four processes, and sixty-four clients spread over them. */
async function clients(t: CaseContext): Promise<Backend[]> {
  const processes = await Promise.all([t.open(), t.open(), t.open(), t.open()]);
  return Array.from({ length: CLIENTS }, (_, index) => pick(processes, index));
}

function pick<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length];
  assert(item !== undefined);
  return item;
}

async function oneWinner(t: CaseContext): Promise<void> {
  const all = await clients(t);
  const results = await Promise.all(
    all.map(({ kv }, index) => kv.put(t.key(), bytes(`${index}`), { expect: "absent" })),
  );
  const winners = results.flatMap((result, index) => (result.ok ? [index] : []));
  assert.equal(winners.length, 1);
  for (const result of results) {
    if (!result.ok) assert.equal(text(result.current?.value), `${winners[0]}`);
  }
  assert.equal(text((await all[0]?.kv.get(t.key()))?.value), `${winners[0]}`);
}

async function oneHolder(t: CaseContext): Promise<void> {
  const all = await clients(t);
  const answers = await Promise.all(
    all.map((backend) => backend.leases.acquire(t.key(), claim(backend, 30_000))),
  );
  assert.equal(answers.filter(({ granted }) => granted).length, 1);
}

async function counter(t: CaseContext): Promise<void> {
  const processes = await Promise.all([t.open(), t.open(), t.open(), t.open()]);
  await mustPut(pick(processes, 0), t.key(), "0");
  const rounds = t.crowd(60);
  const increment = async (backend: Backend): Promise<number> => {
    let acknowledged = 0;
    for (let round = 0; round < rounds; round++) {
      const entry = await backend.kv.get(t.key());
      assert(entry !== undefined);
      const next = `${Number(text(entry.value)) + 1}`;
      const result = await backend.kv.put(t.key(), next, { expect: entry.revision });
      if (result.ok) acknowledged += 1;
    }
    return acknowledged;
  };
  const counts = await Promise.all(
    Array.from({ length: 8 }, (_, i) => increment(pick(processes, i))),
  );
  const acknowledged = counts.reduce((sum, count) => sum + count, 0);
  assert(acknowledged >= rounds, "somebody wins each round");
  assert.equal(Number(text((await processes[0].kv.get(t.key()))?.value)), acknowledged);
}

interface Seen {
  readonly startMs: number;
  readonly endMs: number;
  readonly revision: number;
  readonly isWrite: boolean;
}

/**
 * Each write has a revision of its own and each read returns one, so the order is known, and it is
 * enough that no operation which began after another ended is before it in that order.
 */
async function linearizable(t: CaseContext): Promise<void> {
  const processes = await Promise.all([t.open(), t.open(), t.open(), t.open()]);
  const { time } = systemRuntime;
  const { random } = t;
  await mustPut(pick(processes, 0), t.key(), "0");
  const history: Seen[] = [];
  const work = async (backend: Backend): Promise<void> => {
    for (let round = 0; round < t.crowd(60); round++) {
      const isWrite = random.next() < 0.4;
      const startMs = time.monotonicMs();
      const revision = isWrite
        ? (await mustPut(backend, t.key(), `${round}`)).revision
        : ((await backend.kv.get(t.key()))?.revision ?? 0);
      history.push({ startMs, endMs: time.monotonicMs(), revision, isWrite });
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, index) => work(pick(processes, index))));
  const writes = history.flatMap(({ isWrite, revision }) => (isWrite ? [revision] : []));
  assert.equal(new Set(writes).size, writes.length, "two writes share a revision");
  for (const later of history) {
    for (const earlier of history) {
      if (earlier.endMs >= later.startMs) continue;
      const inOrder = later.isWrite
        ? later.revision > earlier.revision
        : later.revision >= earlier.revision;
      assert(inOrder, `revision ${later.revision} was seen after ${earlier.revision} had been`);
    }
  }
}

async function createDeleteRace(t: CaseContext): Promise<void> {
  const processes = await Promise.all([t.open(), t.open(), t.open()]);
  let owners = 0;
  let wins = 0;
  const work = async (backend: Backend): Promise<void> => {
    for (let round = 0; round < t.crowd(40); round++) {
      const result = await backend.kv.put(t.key(), "mine", { expect: "absent" });
      if (!result.ok) continue;
      owners += 1;
      wins += 1;
      assert.equal(owners, 1, "two owners at once");
      await Promise.resolve();
      owners -= 1;
      const deleted = await backend.kv.delete(t.key(), { expect: result.entry.revision });
      assert(deleted.ok, "an owner's own entry was taken from it");
    }
  };
  await Promise.all(Array.from({ length: 9 }, (_, index) => work(pick(processes, index))));
  assert(wins > 0);
}

async function readAfterAck(t: CaseContext): Promise<void> {
  const processes = await Promise.all([t.open(), t.open(), t.open()]);
  for (let round = 0; round < t.crowd(100); round++) {
    const { revision } = await mustPut(pick(processes, round), t.key(), `${round}`);
    for (const { kv } of processes) {
      const seen = (await kv.get(t.key()))?.revision ?? 0;
      assert(seen >= revision, `read ${seen} after ${revision} was acknowledged`);
    }
  }
}
