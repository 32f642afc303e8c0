import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { ScriptedRuntime } from "../testing.ts";
import { faultsOf, type Ending, TestProcess } from "./processes.fixture.ts";
import { TestStore } from "./test-kv.fixture.ts";

const PROCESSES = 4;

type Action =
  | {
      kind: "use";
      atMs: number;
      who: number;
      waitMs: number;
      holdMs: number;
      weight: number;
      fair: boolean;
    }
  | { kind: "pause"; atMs: number; who: number; forMs: number }
  | { kind: "cut"; atMs: number; who: number; forMs: number }
  | { kind: "kill"; atMs: number; who: number };

const atMs = fc.integer({ min: 0, max: 20_000 });
const who = fc.integer({ min: 0, max: PROCESSES - 1 });
const forMs = fc.integer({ min: 1, max: 6_000 });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("use" as const),
      atMs,
      who,
      waitMs: fc.constantFrom(0, 50, 3_000, 30_000),
      holdMs: fc.constantFrom(0, 10, 500, 5_000),
      weight: fc.integer({ min: 1, max: 3 }),
      fair: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("pause" as const), atMs, who, forMs }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cut" as const), atMs, who, forMs }) },
  {
    weight: 1,
    // Process 0 is never killed: somebody must be left to proceed.
    arbitrary: fc.record({
      kind: fc.constant("kill" as const),
      atMs,
      who: fc.integer({ min: 1, max: PROCESSES - 1 }),
    }),
  },
);

const scenario = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  capacity: fc.constantFrom(1, 3),
  lossy: fc.constantFrom(0, 0.02, 0.1),
  slowMs: fc.constantFrom(1, 20, 150),
  stamped: fc.boolean(),
  actions: fc.array(action, { minLength: 4, maxLength: 40 }),
});

type Script = typeof scenario extends fc.Arbitrary<infer S> ? S : never;

/** Four processes with clocks that drift apart, on links as bad as the script says. */
function population(script: Script, world: ScriptedRuntime, store: TestStore): TestProcess[] {
  const writtenMs = new Map<number, number>();
  store.feeds.add((change) => {
    if (change.kind === "put") writtenMs.set(change.entry.revision, world.time.monotonicMs());
  });
  const ageMs = async ({ revision }: { revision: number }) => {
    const truthMs = world.time.monotonicMs() - (writtenMs.get(revision) ?? Infinity);
    return truthMs + world.random.next() * 900; // The stamps' skew, below the allowance.
  };
  const chance = (share: number) => world.random.next() < share;
  return [0, 0.004, -0.004, 0.001].map((drift) => {
    const options = { requestTimeoutMs: 1_000, drift };
    const process = new TestProcess(world, store, script.stamped ? { ...options, ageMs } : options);
    process.link.faults = {
      delayMs: () => world.random.next() * script.slowMs,
      loseReply: () => chance(script.lossy),
      lateMs: () => (chance(script.lossy / 2) ? world.random.next() * 4_000 : 0),
    };
    return process;
  });
}

async function play(script: Script) {
  const world = new ScriptedRuntime({ seed: script.seed });
  const store = new TestStore();
  const processes = population(script, world, store);
  const endings: { who: number; ending: Ending }[] = [];
  const use = (who: number, owner: string, request: object, holdMs: number) => {
    const entry: { who: number; ending: Ending } = { who, ending: "pending" };
    endings.push(entry);
    const claim = { owner, ttlMs: 2_000, capacity: script.capacity, ...request };
    void processes[who]?.use("a/job", claim, holdMs).then((ending) => (entry.ending = ending));
  };
  const act = (step: Action, index: number): void => {
    const process = processes[step.who];
    if (process === undefined || process.state === "dead") return;
    if (step.kind === "kill") process.kill();
    else if (step.kind === "pause") void process.pause(step.forMs);
    else if (step.kind === "cut") {
      process.link.down = true;
      world.time.setTimer(step.forMs, () => (process.link.down = false));
    } else {
      const weight = Math.min(step.weight, script.capacity);
      const { waitMs, fair } = step;
      use(step.who, `${step.who}-${index}`, { waitMs, weight, fair, timeoutMs: 900 }, step.holdMs);
    }
  };
  for (const [index, step] of script.actions.entries()) {
    world.time.setTimer(step.atMs, () => act(step, index));
  }
  await world.advance(27_000);
  // All is well again; whoever is alive must come to its turn.
  for (const { link } of processes) {
    link.faults = { delayMs: () => 1, loseReply: () => false, lateMs: () => 0 };
  }
  await world.advance(60_000);
  const alive = [0, 1, 2, 3].filter((who) => processes[who]?.state === "alive");
  const stuck = endings.filter((one) => one.ending === "pending" && alive.includes(one.who));
  const before = endings.length;
  for (const who of alive) use(who, `last-${who}`, { waitMs: 30_000 }, 10);
  await world.advance(30_000);
  const last = endings.slice(before).map(({ ending }) => ending);
  const tenures = processes.flatMap((process) => process.tenures);
  const faults = faultsOf(tenures, script.capacity);
  return { faults, stuck, last, left: store.entries.size, tenures };
}

describe("leases over a kv, under faults", () => {
  it("never has two holders, grows its tokens, and lets everyone alive proceed", async () => {
    let granted = 0;
    await fc.assert(
      fc.asyncProperty(scenario, async (script) => {
        const { faults, stuck, last, left, tenures } = await play(script);
        granted += tenures.length;
        expect(faults).toEqual([]);
        expect(stuck).toEqual([]);
        expect(last.every((ending) => ending === "granted")).toBe(true);
        // What the dead leave behind is removed by whoever wants the name next.
        const calm = script.lossy === 0 && script.actions.every(({ kind }) => kind === "use");
        if (calm) expect(left).toBe(0);
      }),
      { numRuns: Number(process.env["QUORATE_RUNS"] ?? 150) },
    );
    // A suite in which nobody gets anything would pass as well.
    expect(granted).toBeGreaterThan(500);
  }, 120_000);
});
