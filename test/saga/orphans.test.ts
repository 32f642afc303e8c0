/**
 * Thousands of orphans at once: a fleet takes them up at its pace, and does not run for the same
 * ones.
 *
 * On the store in memory, in scripted time: what is counted is calls of the store, and these are
 * the same on every engine.
 */
import {
  createSagas,
  createWorker,
  saga,
  type Sagas,
  type TakeoverEvent,
} from "@quorate/transaction";
import { describe, expect, it } from "vitest";

import { type TestProcess, World } from "../../packages/transaction/src/kernel/world.fixture.ts";

const LEASE_MS = 3_000;
/** Of each worker. */
const PER_SECOND = 1_000;

interface Process {
  readonly process: TestProcess;
  readonly sagas: Sagas;
}

/** Workers that look on while one of them dies with all of its sagas in their first step. */
class Fleet {
  readonly world: World = new World();
  /** By saga. */
  readonly effects = new Map<string, number>();
  #isDead = false;
  readonly #order = saga("order", { version: 1, input: (input: { n: number }) => input })
    .step("reserve", {
      run: ({ id }) => (this.#isDead ? this.#note(id) : new Promise<number>(() => {})),
      undo: "none",
      timeoutMs: 600_000,
    })
    .returns(({ out }) => out.reserve);

  start(serves = true): Process {
    const process = this.world.process();
    const options = { leaseMs: LEASE_MS, takeoversPerSecond: PER_SECOND };
    const sagas = createSagas(process.backend, { worker: createWorker(process.backend, options) });
    if (serves) sagas.serve(this.#order);
    return { process, sagas };
  }

  /** Starts `count` sagas at `one`, and kills it. */
  async orphan({ sagas, process }: Process, count: number): Promise<void> {
    await this.world.runtime.advance(500);
    for (let from = 0; from < count; from += 1_000) {
      const started = Array.from({ length: Math.min(1_000, count - from) }, (_, index) =>
        sagas.start(this.#order, { id: `order-${from + index}`, input: { n: from } }),
      );
      const outcome = await this.world.outcome(Promise.all(started), 5_000);
      expect(outcome.kind).toBe("value");
    }
    process.kill();
    this.#isDead = true;
  }

  /** Effects in each second from the first on, until there are `count`. */
  async paces(count: number): Promise<number[]> {
    const paces: number[] = [];
    while (this.effects.size < count && paces.length < 60) {
      const before = this.effects.size;
      await this.world.runtime.advance(1_000);
      paces.push(this.effects.size - before);
    }
    return paces;
  }

  takeovers(): readonly TakeoverEvent[] {
    return this.world.events("transaction.takeover") as readonly TakeoverEvent[];
  }

  #note(id: string): number {
    this.effects.set(id, (this.effects.get(id) ?? 0) + 1);
    return 1;
  }
}

describe("orphans of one worker", () => {
  it("10 000, are taken up once each, at the pace of the fleet, and few calls wasted", async () => {
    const orphans = 10_000;
    const fleet = new Fleet();
    const dying = fleet.start();
    const workers = Array.from({ length: 4 }, () => fleet.start());
    await fleet.orphan(dying, orphans);
    const marks = workers.map(({ process }) => process.calls.made.length);

    const firstMs = await fleet.world.until(() => fleet.effects.size > 0, 10_000);
    expect(firstMs).toBeLessThanOrEqual(LEASE_MS + 1_000);
    const paces = await fleet.paces(orphans);
    const pace = workers.length * PER_SECOND;
    expect(Math.max(...paces)).toBeLessThanOrEqual(1.1 * pace);
    // Nor much slower.
    expect(paces.length).toBeLessThanOrEqual((2 * orphans) / pace);

    expect(fleet.effects.size).toBe(orphans);
    expect([...fleet.effects.values()].every((count) => count === 1)).toBe(true);
    const won = fleet.takeovers().filter((one) => one.won);
    const wasted = fleet.takeovers().length - won.length;
    expect({ won: won.length, few: wasted <= orphans / 100 }).toEqual({ won: orphans, few: true });
    const shares = new Set(won.map(({ owner }) => owner));
    expect(shares.size).toBe(workers.length);
    // A takeover and an end for each, and little besides.
    const made = workers.flatMap(({ process }, index) => process.calls.made.slice(marks[index]));
    const puts = made.filter((call) => call.startsWith("put "));
    expect(puts).toHaveLength(2 * orphans + wasted);
    expect(made.length - puts.length).toBeLessThanOrEqual(orphans / 4);
  });

  it("4 000, are taken up where half of the live workers cannot drive them", async () => {
    const orphans = 4_000;
    const fleet = new Fleet();
    const dying = fleet.start();
    for (const serves of [true, true, false, false]) fleet.start(serves);
    await fleet.orphan(dying, orphans);
    await fleet.world.until(() => fleet.effects.size > 0, 10_000);
    // The shares of those who cannot are left to them for a moment each time.
    expect((await fleet.paces(orphans)).length).toBeLessThanOrEqual((4 * orphans) / 2_000);
    expect([...fleet.effects.values()].every((count) => count === 1)).toBe(true);
    const wasted = fleet.takeovers().filter(({ won }) => !won).length;
    expect({ won: fleet.takeovers().length - wasted, few: wasted <= orphans / 20 }).toEqual({
      won: orphans,
      few: true,
    });
  });
});
