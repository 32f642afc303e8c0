/**
 * Two worlds: one in which the kernel does nearly all the work, and one of real locks.
 */
import { createLocks, type Lock } from "@quorate/lock";
import { runOnce, type RunOptions, type World } from "@quorate/simulator";

import type { Section } from "../harness/report.ts";
import type { Measure } from "../harness/run.ts";
import { median } from "../harness/statistics.ts";
import { figure, type Table } from "../harness/table.ts";

const NODES = 100;
const EVENTS_BAR = 1_000_000;
const SPEED_BAR = 1_000;

/** Nodes that ping each other by datagrams and sleep in between. */
export const measureKernel: Measure = async ({ quick }): Promise<Section> => {
  const options = { durationMs: 20_000, world: pings };
  const figures = await rounds(options, 4, quick ? 2 : 7);
  const slowly = await rounds({ ...options, drain: "macrotask" }, 4, quick ? 1 : 3);
  const events = median(figures.events);
  return {
    title: "Ping and ack",
    method:
      `${NODES} nodes, a ping every 20 ms each, calm; one core. ` +
      "An event is a timer or an arrival, with all promises that it settles.",
    tables: [
      tableOf([
        ["drained synchronously", figures],
        ["a macrotask an event", slowly],
      ]),
    ],
    claims: [
      {
        name: "the kernel is not the brake",
        bar: `≥ ${figure(EVENTS_BAR)} events/s`,
        measured: `${figure(events)} events/s`,
        held: events >= EVENTS_BAR,
      },
    ],
  };
};

/** Five processes, one lock of `@quorate/lock`, a simulated store, everything that goes wrong. */
export const measureLocks: Measure = async ({ quick }): Promise<Section> => {
  const seeds = quick ? 20 : 200;
  const options = { durationMs: 60_000, profile: "harsh", world: locks } as const;
  const figures = await rounds(options, seeds, quick ? 1 : 5);
  const speed = median(figures.speeds);
  return {
    title: "Five processes and one lock",
    method:
      `Profile harsh, ${seeds} seeds of 60 s, an invariant after every event; one core. ` +
      "Most of the time is the lock's and the engine's own code.",
    tables: [tableOf([["locks", figures]])],
    claims: [
      {
        name: "locks in simulated time",
        bar: `≥ ${figure(SPEED_BAR)} × real time`,
        measured: `${figure(speed)} ×`,
        held: speed >= SPEED_BAR,
      },
    ],
  };
};

interface Figures {
  readonly events: number[];
  readonly speeds: number[];
}

/** Seeds by `runOnce`: `simulate` watches the first one, which is slower and no figure. */
async function rounds(options: RunOptions, seeds: number, count: number): Promise<Figures> {
  const figures: Figures = { events: [], speeds: [] };
  // The first round warms up.
  for (let round = 0; round <= count; round++) {
    const sum = { events: 0, simulatedMs: 0, elapsedMs: 0 };
    for (let seed = 1; seed <= seeds; seed++) {
      const result = await runOnce({ ...options, seed });
      if (result.violation !== undefined) throw new Error(result.violation.message);
      sum.events += result.events;
      sum.simulatedMs += result.simulatedMs;
      sum.elapsedMs += result.elapsedMs;
    }
    if (round === 0) continue;
    figures.events.push((1_000 * sum.events) / sum.elapsedMs);
    figures.speeds.push(sum.simulatedMs / sum.elapsedMs);
  }
  return figures;
}

function tableOf(lines: readonly (readonly [string, Figures])[]): Table {
  const rows = lines.map(([name, { events, speeds }]) => [
    name,
    figure(median(events)),
    `${figure(median(speeds))} ×`,
  ]);
  return { head: ["world", "events/s", "simulated ÷ real time"], rows };
}

function pings(sim: World): void {
  const [ping, ack] = [Uint8Array.of(1), Uint8Array.of(0)];
  sim.process("node", {
    count: NODES,
    async main(process) {
      process.onMessage((from, data) => {
        if (data[0] === 1) process.send(from, ack);
      });
      for (;;) {
        await process.sleep(20);
        process.send(`node-${1 + Math.floor(process.runtime.random.next() * NODES)}`, ping);
      }
    },
  });
}

function locks(sim: World): void {
  const store = sim.store("store");
  const held = new Map<string, Lock>();
  sim.process("worker", {
    count: 5,
    async main(process) {
      const own = createLocks(store.backend(process), { ttlMs: 3_000, waitMs: 5_000 });
      const work = async (lock: Lock): Promise<void> => {
        held.set(process.name, lock);
        await process.sleep(process.runtime.random.next() * 200);
        held.delete(process.name);
      };
      for (;;) await own.run("a", work).catch(() => process.sleep(100));
    },
  });
  sim.always("one believer", () => {
    let believers = 0;
    for (const lock of held.values()) if (lock.remainingMs > 0) believers += 1;
    return believers <= 1;
  });
}
