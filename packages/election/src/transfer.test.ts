import { deferred } from "@quorate/core";
import { describe, expect, it } from "vitest";
import type { ElectionOptions } from "./options.ts";
import { type TestProcess, until, World } from "./world.fixture.ts";

interface Fleet {
  readonly world: World;
  readonly processes: Record<string, TestProcess>;
  /** `name@time` of each work that began. */
  readonly log: string[];
}

/** Candidates of these names in line, in this order; the first leads. */
async function fleet(names: readonly string[], options: ElectionOptions = {}): Promise<Fleet> {
  const world = new World();
  const log: string[] = [];
  const processes: Record<string, TestProcess> = {};
  for (const name of names) {
    const process = world.process(name, options);
    processes[name] = process;
    lead({ world, processes, log }, name);
    await world.runtime.advance(10);
  }
  return { world, processes, log };
}

function lead({ world, processes, log }: Fleet, name: string): void {
  void processes[name]?.election.lead(async ({ signal }) => {
    log.push(`${name}@${world.nowMs}`);
    await until(signal);
  });
}

async function close({ world, processes }: Fleet): Promise<void> {
  const closing = Object.values(processes).map(({ election }) => election.close());
  await world.runtime.advance(1_000);
  await Promise.all(closing);
}

function names({ log }: Fleet): string[] {
  return log.map((line) => line.split("@")[0] ?? "");
}

describe("transferTo", () => {
  it("hands over to the last in line, and goes back in line", async () => {
    const all = await fleet(["a", "b", "c", "d"]);
    const { world, processes } = all;
    const { election } = processes["a"] as TestProcess;
    const outcome = await world.outcome(election.transferTo("d", { withinMs: 5_000 }));
    expect(outcome).toMatchObject({
      value: { kind: "transferred", leader: { candidate: "d" } },
    });
    expect(names(all)).toEqual(["a", "d"]);
    const { leader, candidates, self } = await election.inspect();
    expect(leader?.candidate).toBe("d");
    expect(candidates.map(({ candidate }) => candidate)).toEqual(["b", "c", "a"]);
    expect(self).toEqual({ candidate: "a", standing: "campaigning" });
    await close(all);
  });

  it("tells the work why, and waits for its end", async () => {
    const world = new World();
    const [a, b] = [world.process("a"), world.process("b")];
    const log: unknown[] = [];
    void a.election.lead(async ({ signal }) => {
      await until(signal);
      log.push((signal.reason as { details: { reason: string } }).details.reason);
      await world.work(300);
      log.push("a ended");
      return "dropped";
    });
    await world.runtime.advance(10);
    void b.election.lead(async ({ signal }) => {
      log.push("b begins");
      await until(signal);
    });
    await world.runtime.advance(10);
    await world.outcome(a.election.transferTo("b"));
    expect(log).toEqual(["transferred", "a ended", "b begins"]);
    await Promise.all([b.election.close(), a.election.close()]);
  });

  it("refuses where nobody of that name waits; the leader leads on", async () => {
    const all = await fleet(["a", "b"]);
    const { election } = all.processes["a"] as TestProcess;
    await expect(election.transferTo("z")).rejects.toMatchObject({
      ...{ code: "NO_CANDIDATE", effect: "none", details: { election: "job", candidate: "z" } },
    });
    await expect(election.transferTo("a")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(election.isLeader).toBe(true);
    const other = (all.processes["b"] as TestProcess).election;
    await expect(other.transferTo("a")).rejects.toMatchObject({
      ...{ code: "WRONG_STATE", details: { verb: "transfer", state: "campaigning" } },
    });
    await close(all);
  });

  it("leads on when the others do not let the named one pass", async () => {
    const all = await fleet(["a", "b", "c"]);
    const { election } = all.processes["a"] as TestProcess;
    all.processes["b"]?.pause();
    const outcome = await all.world.outcome(election.transferTo("c", { withinMs: 400 }), 1_000);
    expect(outcome).toMatchObject({ error: { code: "TIMEOUT", effect: "none" } });
    expect(election.isLeader).toBe(true);
    all.processes["b"]?.resume();
    await close(all);
  });

  it("does not stall when the named one crashes: the next in line leads", async () => {
    const all = await fleet(["a", "b", "c"]);
    const { world, processes } = all;
    const { election } = processes["a"] as TestProcess;
    const transferring = election.transferTo("c", { withinMs: 2_000 });
    await world.runtime.advance(0);
    processes["c"]?.pause(); // For good, with the line put in order.
    const startedMs = world.nowMs;
    expect(await world.outcome(transferring)).toMatchObject({ kind: "value" });
    await world.runtime.advance(1_000);
    expect(names(all)).toEqual(["a", "b"]);
    // At most one claim window.
    expect(Number(all.log[1]?.split("@")[1]) - startedMs).toBeLessThanOrEqual(1_000);
    processes["c"]?.resume();
    await close(all);
  });

  it("leaves the lease to expire when the work does not end, and never works twice", async () => {
    const world = new World();
    const [a, b] = [world.process("a"), world.process("b")];
    const late = deferred<void>();
    let works = 0;
    void a.election.lead(async ({ signal }) => {
      works += 1;
      if (works === 1) await late.promise;
      else await until(signal);
    });
    await world.runtime.advance(10);
    void b.election.lead(({ signal }) => until(signal));
    await world.runtime.advance(10);
    const outcome = await world.outcome(a.election.transferTo("b", { withinMs: 200 }));
    expect(outcome).toEqual({ kind: "value", value: { kind: "left-to-expire" } });
    await world.runtime.advance(5_000);
    expect(b.election.isLeader).toBe(true);
    expect((await a.election.inspect()).self.standing).toBe("stepping-down");
    late.resolve();
    await world.runtime.advance(10);
    await b.election.close();
    await world.runtime.advance(10);
    expect(works).toBe(2);
    await a.election.close();
  });
});

describe("a preferred candidate", () => {
  const options = { preferred: "p", minTermMs: 5_000 };

  it("is given way by whoever leads, after its least term", async () => {
    const all = await fleet(["a", "b"], options);
    const { world, processes } = all;
    processes["p"] = world.process("p", options);
    await world.runtime.advance(1_000);
    lead(all, "p");
    await world.runtime.advance(3_900);
    expect(names(all)).toEqual(["a"]); // No flapping.
    await world.runtime.advance(1_300);
    expect(names(all)).toEqual(["a", "p"]);
    await world.runtime.advance(30_000);
    expect(names(all)).toEqual(["a", "p"]);
    await close(all);
  });

  it("leads again when it is back, however often it went", async () => {
    const all = await fleet(["p", "a"], options);
    const { world, processes } = all;
    for (let round = 0; round < 3; round++) {
      const { election } = processes["p"] as TestProcess;
      await world.runtime.advance(1_000);
      expect(await election.resign()).toBe("released");
      lead(all, "p");
      await world.runtime.advance(8_000);
    }
    expect(names(all)).toEqual(["p", "a", "p", "a", "p", "a", "p"]);
    await close(all);
  });
});

describe("lockDelayMs", () => {
  const options = { lockDelayMs: 2_000 };

  it("makes the next leader wait after one that was lost", async () => {
    const all = await fleet(["a", "b"], options);
    const { world, processes } = all;
    processes["a"]?.pause();
    const crashedMs = world.nowMs;
    await world.runtime.advance(20_000);
    const beganMs = Number(all.log[1]?.split("@")[1]);
    // Its lease has lost at most a period of renewal by the time of the crash.
    expect(beganMs - crashedMs).toBeGreaterThanOrEqual(2_000 + 3_000 * (1 - 0.4));
    expect(beganMs - crashedMs).toBeLessThanOrEqual(2_000 + 3_100);
    expect(world.events("elected").at(-1)).toMatchObject({ candidate: "b", delayedMs: 2_000 });
    await close(all);
  });

  it("costs nothing after one that resigned, nor the first", async () => {
    const all = await fleet(["a", "b"], options);
    const { world, processes } = all;
    expect(all.log).toEqual(["a@0"]);
    const startedMs = world.nowMs;
    expect(await world.outcome((processes["a"] as TestProcess).election.resign())).toMatchObject({
      value: "released",
    });
    await world.runtime.advance(0);
    expect(all.log[1]).toBe(`b@${startedMs}`);
    await close(all);
  });

  it("is passed on by one that gives up before its work has begun", async () => {
    const all = await fleet(["a", "b", "c"], options);
    const { world, processes } = all;
    processes["a"]?.pause();
    await world.runtime.advance(3_500); // b is elected, and waits.
    expect(processes["b"]?.election.isLeader).toBe(false);
    const passedMs = world.nowMs;
    await world.outcome((processes["b"] as TestProcess).election.resign());
    await world.runtime.advance(5_000);
    expect(names(all)).toEqual(["a", "c"]);
    expect(Number(all.log[1]?.split("@")[1]) - passedMs).toBeGreaterThanOrEqual(2_000);
    processes["a"]?.resume();
    await close(all);
  });
});
