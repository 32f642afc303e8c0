/** Ours on the embedded engine: three candidates in this process, for what the code alone costs. */
import { systemRuntime } from "@quorate/core";
import { createMemoryStore, memoryBackend } from "@quorate/memory";

import { nowMs, sleep } from "../harness/clock.ts";
import type { Candidate } from "./contender.ts";
import { candidateOn } from "./quorate.ts";

/** Times of graceful hand-overs. */
export async function handOversInMemory(rounds: number, ttlMs: number): Promise<number[]> {
  const store = createMemoryStore({ runtime: systemRuntime });
  const backends = Array.from({ length: 3 }, () => memoryBackend({ store }));
  let electedMs = 0;
  const onElected = (): void => void (electedMs = nowMs());
  const candidates: Candidate[] = [];
  for (const backend of backends) {
    candidates.push(await candidateOn(backend, { name: "memory", ttlMs, onElected }));
  }
  const times: number[] = [];
  while (times.length < rounds) {
    await sleep(5);
    const leader = candidates.find((candidate) => candidate.leads());
    if (leader === undefined) continue;
    const calledMs = nowMs();
    await leader.resign();
    while (electedMs < calledMs) await sleep(1);
    times.push(electedMs - calledMs);
    leader.stand();
  }
  for (const backend of backends) await backend.close();
  return times;
}
