import { type CheckedLease, deferred, type Grant } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";
import { ServerClock } from "../server-clock.ts";
import { Confirmations } from "./confirmations.ts";
import type { LeaseAnswer } from "./lease-batch.ts";
import type { LeaseDesk } from "./lease-desk.ts";
import { Waiter } from "./waiter.ts";

const REQUEST: CheckedLease = {
  name: "anvil",
  owner: "worker-7",
  ttlMs: 15_000,
  waitMs: 60_000,
  weight: 1,
  capacity: 1,
  fair: true,
  data: undefined,
  signal: undefined,
  timeoutMs: 5_000,
};

/** A desk whose answers the test gives, and which writes down what is given back. */
function desk() {
  const runtime = new ScriptedRuntime();
  const clock = new ServerClock(runtime.time);
  const asked = deferred<LeaseAnswer>();
  const left: (number | undefined)[] = [];
  const serverMicros = runtime.time.wallMs() * 1_000;
  clock.learn(serverMicros, runtime.time.monotonicMs());
  const parts: LeaseDesk = {
    runtime,
    address: "127.0.0.1:6379",
    confirmations: new Confirmations(runtime, async () => "renewed"),
    stopping: new AbortController().signal,
    clockOf: () => clock,
    claim: () => asked.promise,
    leave: (_request, fencingToken) => {
      left.push(fencingToken);
      return Promise.resolve({ reply: { kind: "released" }, steady: true, serverMicros });
    },
    soon: async (work) => void (await work),
  };
  return { parts, runtime, asked, left, serverMicros };
}

/** The claim stands in line, as of `serverMicros`. */
function queued(serverMicros: number): LeaseAnswer {
  const soonestMicros = serverMicros + 1_000_000;
  return { reply: { kind: "queued", rank: 1, soonestMicros }, steady: true, serverMicros };
}

describe("a waiter that is granted by push while its own question is on the way", () => {
  async function granted(): Promise<ReturnType<typeof desk> & { readonly token: number }> {
    const world = desk();
    const startedMs = world.runtime.time.monotonicMs();
    const waiter = new Waiter(world.parts, REQUEST, { startedMs, onEnd: () => {} });
    const waiting = waiter.wait();
    const token = world.serverMicros + 500;
    const endMicros = token + 500_000;
    waiter.hear({ kind: "granted", field: "anvil", owner: "x", fencingToken: token, endMicros });
    const grant = (await waiting) as Grant;
    expect(grant.fencingToken).toBe(token);
    return { ...world, token };
  }

  it("keeps the grant when the older answer 'queued' arrives after it", async () => {
    const { asked, runtime, left, serverMicros } = await granted();
    asked.resolve(queued(serverMicros));
    await runtime.advance(10);
    expect(left).toEqual([]); // To leave the line now would give the live grant back.
  });

  it("leaves the line when the answer is newer: a question that was sent again", async () => {
    const { asked, runtime, left, token } = await granted();
    asked.resolve(queued(token + 1_000));
    await runtime.advance(10);
    expect(left).toEqual([undefined]);
  });

  it("gives back a second grant by its own token, and only that one", async () => {
    const { asked, runtime, left, token } = await granted();
    const reply = { kind: "granted", fencingToken: token + 7 } as const;
    asked.resolve({ reply, steady: true, serverMicros: token + 1_000 });
    await runtime.advance(10);
    expect(left).toEqual([token + 7]);
  });
});
