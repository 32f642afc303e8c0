/**
 * A lock's holder is stopped, its lease ends, another writes, the first wakes up and writes, too.
 *
 * No lock can prevent that: between the last look at the lock and the write any process can be
 * stopped for as long as it takes, by a garbage collection, a hypervisor, or here by SIGSTOP. So
 * the write carries the lock's fencing token, and whoever receives it refuses a token that is
 * smaller than one it has seen. A list without a guard shows what happens otherwise.
 *
 * Kleppmann, "How to do distributed locking", 2016.
 */
import { text } from "node:stream/consumers";
import { connect, type Quorate } from "quorate";
import { deferred, isQuorateError } from "quorate/core";
import { fenceHeaders, fenceRefusal, readFenceHeader } from "quorate/lock";
import type { Player, Stage } from "../shared/example.ts";
import { listen } from "../shared/listen.ts";

const LEASE_MS = 1_000;

/** What a writer tells. */
interface Told {
  readonly kind: "holds" | "answered" | "lost";
  readonly token: number;
  readonly status?: number;
}

/** Writes one line under the lock. `ada` is stopped between her last look and her write. */
export async function writer(self: Player<Told>): Promise<Quorate> {
  const q = await connect(self.engine, { ...self.options, lock: { ttlMs: LEASE_MS } });
  const ledger = self.note;
  let token = 0;
  const write = async (): Promise<void> => {
    await q.lock.run("ledger", async (lock) => {
      const headers = fenceHeaders(lock); // The last look: the lock is held, all is well.
      token = lock.fencingToken;
      await self.tell({ kind: "holds", token });
      if (self.name === "ada") await self.freeze();
      const response = await fetch(ledger, { method: "POST", headers, body: self.name });
      await self.tell({ kind: "answered", token, status: response.status });
    });
  };
  write().catch(async (error: unknown) => {
    if (isQuorateError(error, "LOCK_LOST")) await self.tell({ kind: "lost", token });
  });
  return q;
}

/** Tells it. */
export async function play({ engine, options, start, say, check }: Stage): Promise<void> {
  await using q = await connect(engine, options);
  const guarded: string[] = [];
  const unguarded: string[] = [];
  const ledger = await listen((request, response) => {
    const append = async (): Promise<void> => {
      const name = await text(request);
      unguarded.push(name);
      await q.guard.admit("ledger", readFenceHeader(request.headers) ?? 0);
      guarded.push(name);
      response.end();
    };
    append().catch((error: unknown) =>
      response.writeHead(fenceRefusal(error)?.status ?? 500).end(),
    );
  });

  const ada = { holds: deferred<Told>(), answered: deferred<Told>(), lost: deferred<Told>() };
  const bob = { holds: deferred<Told>(), answered: deferred<Told>(), lost: deferred<Told>() };
  const first = await start(writer, "ada", {
    note: ledger.url,
    hear: (told: Told) => ada[told.kind].resolve(told),
  });
  const { token } = await ada.holds.promise;
  const stoppedMs = performance.now();
  say(`ada holds the lock with token ${token}, looks at it, and is stopped before she writes`);

  const second = await start(writer, "bob", {
    note: ledger.url,
    hear: (told: Told) => bob[told.kind].resolve(told),
  });
  const heir = await bob.holds.promise;
  const waitedMs = Math.round(performance.now() - stoppedMs);
  const { status: accepted } = await bob.answered.promise;
  say(`bob gets the lock ${waitedMs} ms later with token ${heir.token}, and writes: ${accepted}`);

  first.wake();
  const { status: late } = await ada.answered.promise;
  const lost = await ada.lost.promise;
  say(`ada wakes up and writes, knowing nothing of all that: ${late}`);

  check("bob's token is greater than ada's", heir.token > token);
  check("bob's write was accepted", accepted === 200);
  check("ada's late write was refused", late === 412);
  check(`the guarded ledger has: ${guarded.join(", ")}`, guarded.join() === "bob");
  check(`without the guard it would have: ${unguarded.join(", ")}`, unguarded.join() === "bob,ada");
  check("ada was told that she had lost the lock", lost.token === token);
  await Promise.all([first.close(), second.close()]);
  await ledger.close();
}
