import { describe, expect, it } from "vitest";
import type { ElectionOptions } from "./options.ts";
import { type Mishap, type TestProcess, until, World } from "./world.fixture.ts";

const OPTIONS: ElectionOptions = { lockDelayMs: 500, resignWithinMs: 2_000 };

interface Result {
  readonly outcome: unknown;
  readonly calls: number;
  readonly works: number;
  readonly most: number;
  readonly takeOverMs: number;
}

/** One leads for eight seconds, publishes, and ends; another waits in line for it. */
async function play(fate: TestProcess["calls"]["fate"]): Promise<Result> {
  const world = new World();
  const [a, b] = [world.process("a", OPTIONS), world.process("b", OPTIONS)];
  a.calls.fate = fate;
  let works = 0;
  let running = 0;
  let most = 0;
  const leading = a.election.lead(async (leadership) => {
    works += 1;
    most = Math.max(most, (running += 1));
    await leadership.publish("at work").catch(() => {});
    await Promise.race([world.work(8_000), until(leadership.signal)]);
    running -= 1;
    return "done";
  });
  await world.runtime.advance(5_000);
  let tookOverMs = 0;
  void b.election.lead(async ({ signal }) => {
    tookOverMs = world.nowMs;
    most = Math.max(most, (running += 1));
    await until(signal);
    running -= 1;
  });
  const outcome = await world.outcome(leading, 60_000);
  const endedMs = world.nowMs;
  await world.runtime.advance(10_000);
  await b.election.close();
  const calls = a.calls.made.length;
  return { outcome, calls, works, most, takeOverMs: tookOverMs - endedMs };
}

describe("the n-th call of the store fails", () => {
  it.each<Mishap>(["none", "unanswered"])("%s, for each n until none is left", async (mishap) => {
    for (let n = 0; ; n++) {
      const { outcome, calls, works, most, takeOverMs } = await play((index) =>
        index === n ? mishap : undefined,
      );
      const said = `call ${n} of ${calls}`;
      expect(outcome, said).toEqual({ kind: "value", value: "done" });
      expect(most, said).toBe(1);
      expect(works, said).toBe(1);
      // A mark or a release that was not answered may cost a TTL and the lock-delay.
      expect(takeOverMs, said).toBeLessThanOrEqual(3_100 + 500);
      if (n >= calls) break;
      expect(n, "it does not end").toBeLessThan(100);
    }
  });

  it("and all calls for ten seconds: it campaigns on, and leads once it can", async () => {
    const world = new World();
    const a = world.process("a");
    a.calls.fate = () => (world.nowMs < 10_000 ? "none" : undefined);
    const leading = a.election.lead(async () => world.nowMs);
    const outcome = await world.outcome(leading);
    expect(outcome).toMatchObject({ kind: "value" });
    const ledMs = (outcome as { value: number }).value;
    expect(ledMs).toBeGreaterThanOrEqual(10_000);
    expect(ledMs).toBeLessThanOrEqual(15_000);
    const tries = a.calls.made.filter((name) => name === "leases.acquire").length;
    expect(tries).toBeLessThan(15); // With growing pauses.
    expect(world.events("failed").at(0)).toMatchObject({
      ...{ during: "listen", code: "STORE_UNAVAILABLE", failures: 1 },
    });
  });

  it("and the outage may come in the middle of a term, for longer than the TTL", async () => {
    const world = new World();
    const a = world.process("a");
    const terms: number[] = [];
    a.calls.fate = () => (world.nowMs > 5_000 && world.nowMs < 15_000 ? "unanswered" : undefined);
    const leading = a.election.lead(async ({ term, signal }) => {
      terms.push(term);
      await Promise.race([world.work(9_000), until(signal)]);
      return terms.length;
    });
    // Unanswered renewals arrive all the same; the holder must not know, and has to stop.
    expect(await world.outcome(leading)).toEqual({ kind: "value", value: 2 });
    expect(terms[1]).toBeGreaterThan(terms[0] ?? Infinity);
  });
});
