/**
 * The process whose heap is weighed: `resilience.bytes.ts [--quick]`, with `--expose-gc`. Prints
 * one line of JSON (`Weights`).
 */
import { getEventListeners } from "node:events";
import { type Breaker, breaker } from "@quorate/resilience";
import { circuitBreaker, handleAll, SamplingBreaker } from "cockatiel";
import CircuitBreaker from "opossum";

import { nowMs, sleep } from "./harness/clock.ts";
import type { Weights } from "./resilience/bytes.ts";
import { fourPolicies } from "./resilience/calls.ts";

const quick = process.argv.includes("--quick");
/** So few that no collection falls into them. */
const CALLS = 2_000;
const SIGNAL_CALLS = quick ? 100_000 : 1_000_000;
const BREAKERS = 10_000;
const IDLE_MS = quick ? 1_000 : 5_000;
/** In which the engine tidies up after what was made. */
const SETTLE_MS = quick ? 200 : 9_000;
const work = async (): Promise<number> => 42;

/** A library's breakers: nothing but the breaker itself is kept of each. */
interface Maker {
  make(): object;
  use(one: object): Promise<unknown>;
  end(one: object): void;
}

const makers: Readonly<Record<string, Maker>> = {
  nothing: { make: () => work, use: work, end: () => {} },
  quorate: {
    make: () => breaker({}),
    use: (one) => (one as Breaker).run(work),
    end: () => {},
  },
  "cockatiel 3.2.1": {
    make: () =>
      circuitBreaker(handleAll, {
        halfOpenAfter: 10_000,
        breaker: new SamplingBreaker({ threshold: 0.5, duration: 10_000 }),
      }),
    use: (one) => (one as ReturnType<typeof circuitBreaker>).execute(work),
    end: () => {},
  },
  "opossum 9": {
    make: () => new CircuitBreaker(work),
    use: (one) => (one as CircuitBreaker).fire(),
    end: (one) => (one as CircuitBreaker).shutdown(),
  },
};

const answer: Weights = {
  signal: await underOneSignal(),
  bytesPerCall: await weighCalls(),
  ...(await weighBreakers()),
};
process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit());

async function weighCalls(): Promise<Record<string, number>> {
  const bytes: Record<string, number> = {};
  for (const { name, run } of fourPolicies()) {
    for (let call = 0; call < 5_000; call++) await run(call);
    await settledBytes();
    const before = process.memoryUsage().heapUsed;
    for (let call = 0; call < CALLS; call++) await run(call);
    bytes[name] = (process.memoryUsage().heapUsed - before) / CALLS;
  }
  bytes["opossum 9"] = bytes["p-retry 7 + opossum 9"] ?? Number.NaN;
  return bytes;
}

async function weighBreakers(): Promise<Pick<Weights, "bytesPerBreaker" | "idleCpu">> {
  const bytesPerBreaker: Record<string, number> = {};
  const idleCpu: Record<string, number> = {};
  for (const [name, { make, use, end }] of Object.entries(makers)) {
    const many = Array.from<object | undefined>({ length: BREAKERS });
    const before = await settledBytes();
    for (let index = 0; index < BREAKERS; index++) many[index] = make();
    for (const one of many) await use(one as object);
    bytesPerBreaker[name] = ((await settledBytes()) - before) / BREAKERS;
    await sleep(SETTLE_MS);
    const [cpu, startMs] = [process.cpuUsage(), nowMs()];
    await sleep(IDLE_MS);
    const { user, system } = process.cpuUsage(cpu);
    idleCpu[name] = (user + system) / 1_000 / (nowMs() - startMs);
    for (const one of many) end(one as object);
  }
  return { bytesPerBreaker, idleCpu };
}

async function underOneSignal(): Promise<Weights["signal"]> {
  const { signal } = new AbortController();
  const ours = fourPolicies().find(({ name }) => name === "quorate");
  const policy = breaker({});
  await policy.run(work, { signal });
  await ours?.run(0);
  const before = await settledBytes();
  for (let call = 0; call < SIGNAL_CALLS; call++) await policy.run(work, { signal });
  const keptBytes = Math.max(0, (await settledBytes()) - before);
  return { calls: SIGNAL_CALLS, keptBytes, listeners: getEventListeners(signal, "abort").length };
}

/** Heap in use after collections. */
async function settledBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.();
    await sleep(20);
  }
  return process.memoryUsage().heapUsed;
}
