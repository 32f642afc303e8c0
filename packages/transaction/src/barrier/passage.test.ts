/** The barrier around effects that lie elsewhere, in scripted time. */
import { refuse } from "@quorate/core";
import { describe, expect, it } from "vitest";

import type { PassContext, SettleContext } from "./barrier.ts";
import { arrivals, Oracle } from "./oracle.fixture.ts";
import { BRANCH, DO, rig, said, UNDO } from "./passage.fixture.ts";

describe("duplicates", () => {
  it("run the work once, and are given what it returned", async () => {
    const { world, barrier, other } = rig();
    let runs = 0;
    const charge = () => ({ charge: (runs += 1) });
    expect(await said(world, barrier.run(DO, charge))).toEqual({ charge: 1 });
    expect(await said(world, other().run(DO, charge))).toEqual({ charge: 1 });
    expect(runs).toBe(1);
  });

  it("at the same moment wait for the first", async () => {
    const { world, barrier, other } = rig();
    let runs = 0;
    const slowly = async () => {
      runs += 1;
      await world.work(3_000);
      return runs;
    };
    const calls = [barrier, other(), other()].map((one) => one.run(DO, slowly));
    expect(await said(world, Promise.all(calls))).toEqual([1, 1, 1]);
    expect(runs).toBe(1);
  });

  it("of a refusal are refused alike, and its undo undoes nothing", async () => {
    const { world, barrier } = rig();
    let runs = 0;
    const declined = () => {
      runs += 1;
      throw refuse("card-declined", { by: "issuer" });
    };
    for (let call = 0; call < 2; call += 1) {
      const outcome = await world.outcome(barrier.run(DO, declined));
      expect(outcome).toMatchObject({
        error: { code: "REFUSED", details: { data: { by: "issuer" } } },
      });
    }
    expect(
      await said(
        world,
        barrier.undo(UNDO, () => expect.fail("undid")),
      ),
    ).toBeUndefined();
    expect(runs).toBe(1);
    expect(await said(world, barrier.run(DO, declined))).toBe("BARRIER_REFUSED");
  });

  it.each([undefined, 0, "", false, null, [], { a: [null, { b: "ü" }] }])(
    "are given %j as the first was",
    async (value) => {
      const { world, barrier } = rig();
      const first = await said(
        world,
        barrier.run(DO, () => value),
      );
      expect(first).toEqual(value);
      expect(
        await said(
          world,
          barrier.run(DO, () => "other"),
        ),
      ).toEqual(first);
    },
  );

  it("of work whose result cannot be stored are told so, and do not run it again", async () => {
    const { world, barrier } = rig({ maxResultBytes: 64 });
    let runs = 0;
    const unstorable = () => {
      runs += 1;
      return { at: new Date(0) };
    };
    for (let call = 0; call < 2; call += 1) {
      expect(await world.outcome(barrier.run(DO, unstorable))).toMatchObject({
        error: { code: "RESULT_UNENCODABLE", effect: "applied", details: { key: `${BRANCH}/try` } },
      });
    }
    expect(runs).toBe(1);
    const long = barrier.run("order-7/other/do", () => "x".repeat(100));
    expect(await said(world, long)).toBe("RESULT_UNENCODABLE");
  });
});

describe("an undo before its action", () => {
  it("succeeds without work, and keeps the action out, every time that it comes", async () => {
    const { world, barrier, other } = rig();
    const never = () => expect.fail("it ran");
    expect(await said(world, barrier.undo(UNDO, never))).toBeUndefined();
    for (let late = 0; late < 3; late += 1) {
      const outcome = await world.outcome(other().run(DO, never));
      expect(outcome).toMatchObject({
        error: {
          code: "BARRIER_REFUSED",
          effect: "none",
          details: { branch: BRANCH, asked: "try", have: "cancelled" },
        },
      });
    }
    expect(await said(world, barrier.undo(UNDO, never))).toBeUndefined();
    expect(world.events("barrier.refused")).toHaveLength(3);
    expect(world.events("barrier.conflict")).toEqual([]);
  });

  it("is remembered for its retention, and no longer", async () => {
    const { world, barrier } = rig({ retentionMs: 60_000, leaseMs: 1_000 });
    await world.outcome(barrier.undo(UNDO, () => {}));
    await world.runtime.advance(59_000);
    expect(
      await said(
        world,
        barrier.run(DO, () => "ran"),
      ),
    ).toBe("BARRIER_REFUSED");
    await world.runtime.advance(2_000);
    expect(
      await said(
        world,
        barrier.run(DO, () => "ran"),
      ),
    ).toBe("ran");
  });
});

describe("a crash between the effect and its record", () => {
  it("makes the next call run the work again, told that it repeats, after the lease", async () => {
    const { world, process, barrier, other } = rig({ leaseMs: 5_000 });
    const seen: boolean[] = [];
    const charge = ({ repeated, key }: PassContext) => {
      expect(key).toBe(`${BRANCH}/try`);
      seen.push(repeated);
      return "charged";
    };
    process.calls.fate = (index) => (index === 1 ? "dies-before" : undefined);
    void barrier.run(DO, charge);
    await world.settle();
    expect(seen).toEqual([false]);
    const again = other().run(DO, charge);
    await world.runtime.advance(4_900);
    expect(seen).toEqual([false]);
    expect(await said(world, again)).toBe("charged");
    expect(seen).toEqual([false, true]);
    expect(world.events("barrier.repeated")).toMatchObject([{ branch: BRANCH, attempt: 2 }]);
  });

  it("makes its cancel run the undo, told that the outcome is unknown", async () => {
    const { world, process, barrier, other } = rig({ leaseMs: 5_000 });
    process.calls.fate = (index) => (index === 1 ? "dies-before" : undefined);
    void barrier.run(DO, () => "charged");
    await world.settle();
    let told: SettleContext | undefined;
    await world.outcome(other().undo(UNDO, (context) => void (told = context)));
    expect(told).toMatchObject({ outcome: "unknown", tried: undefined, repeated: false });
    expect(
      await said(
        world,
        other().run(DO, () => "late"),
      ),
    ).toBe("BARRIER_REFUSED");
  });

  it("keeps an undo that died on its way: it is run again with the same outcome", async () => {
    const { world, process, barrier, other } = rig({ leaseMs: 5_000 });
    await world.outcome(barrier.run(DO, () => ({ charge: 9 })));
    process.calls.fate = (_, name) => (name.startsWith("put") ? "dies-after" : undefined);
    void barrier.undo(UNDO, () => expect.fail("it died before"));
    await world.settle();
    let told: SettleContext | undefined;
    await world.outcome(other().undo(UNDO, (context) => void (told = context)));
    expect(told).toMatchObject({ outcome: "done", tried: { charge: 9 }, repeated: true });
  });

  it("does not believe a refusal of the second run: the first may have happened", async () => {
    const { world, barrier } = rig();
    let undone = "";
    await world.outcome(barrier.run(DO, () => Promise.reject(new Error("no answer"))));
    const second = barrier.run(DO, ({ repeated }) => {
      if (repeated) throw refuse("already-charged");
    });
    expect(await said(world, second)).toBe("REFUSED");
    expect((await barrier.inspect(BRANCH)).state).toBe("trying");
    await world.outcome(barrier.undo(UNDO, ({ outcome }) => void (undone = outcome)));
    expect(undone).toBe("unknown");
  });
});

describe("work that fails", () => {
  it("throws its own error, and is run again at once, told that it repeats", async () => {
    const { world, barrier } = rig();
    const failed = barrier.run(DO, () => Promise.reject(new TypeError("socket closed")));
    expect(await said(world, failed)).toBeInstanceOf(TypeError);
    const startedMs = world.runtime.time.monotonicMs();
    expect(
      await said(
        world,
        barrier.run(DO, ({ repeated }) => repeated),
      ),
    ).toBe(true);
    expect(world.runtime.time.monotonicMs() - startedMs).toBeLessThan(1_000);
  });

  it("may refuse in a try only: a cancel that refuses is repeated", async () => {
    const { world, barrier } = rig();
    await world.outcome(barrier.run(DO, () => 1));
    const refusing = barrier.undo(UNDO, () => Promise.reject(refuse("not now")));
    expect(await said(world, refusing)).toBe("REFUSED");
    expect(
      await said(
        world,
        barrier.undo(UNDO, () => "undone"),
      ),
    ).toBe("undone");
  });

  it("beyond its lease is told by its signal, and taken over", async () => {
    const { world, barrier, other } = rig({ leaseMs: 2_000 });
    let reason: unknown;
    const first = barrier.run(DO, async ({ signal }) => {
      signal.addEventListener("abort", () => (reason = signal.reason));
      await world.work(10_000);
      return "first";
    });
    const second = other().run(DO, () => "second");
    expect(await said(world, second)).toBe("second");
    expect(reason).toMatchObject({ code: "TIMEOUT" });
    expect(await said(world, first)).toBe("second");
  });

  it("beyond its lease and its own cancel is an alarm: its effect stands", async () => {
    const { world, barrier, other } = rig({ leaseMs: 2_000 });
    const first = barrier.run(DO, () => world.work(10_000));
    await world.outcome(other().undo(UNDO, () => {}));
    expect(await world.outcome(first)).toMatchObject({
      error: { code: "BARRIER_REFUSED", effect: "unknown", details: { have: "cancelled" } },
    });
    expect(world.events("barrier.conflict")).toMatchObject([
      { branch: BRANCH, asked: "try", have: "cancelled", kind: "late-effect" },
    ]);
  });
});

describe("confirm and cancel", () => {
  it("of the same branch exclude each other, loudly", async () => {
    const { world, barrier } = rig();
    await world.outcome(barrier.try("t-1/debit", () => "held"));
    const used = barrier.confirm("t-1/debit", ({ tried, outcome }) => ({ tried, outcome }));
    expect(await said(world, used)).toEqual({ tried: "held", outcome: "done" });
    expect(
      await said(
        world,
        barrier.cancel("t-1/debit", () => {}),
      ),
    ).toBe("BARRIER_REFUSED");
    await world.outcome(barrier.cancel("t-2/debit", () => {}));
    expect(
      await said(
        world,
        barrier.confirm("t-2/debit", () => {}),
      ),
    ).toBe("BARRIER_REFUSED");
    expect(world.events("barrier.conflict")).toMatchObject([
      { branch: "t-1/debit", asked: "cancel", have: "confirmed", kind: "conflict" },
      { branch: "t-2/debit", asked: "confirm", have: "cancelled", kind: "conflict" },
    ]);
  });

  it("before the try: a confirm is an error to be repeated, with an alarm", async () => {
    const { world, barrier } = rig();
    const early = await world.outcome(barrier.confirm("t-1/debit", () => {}));
    expect(early).toMatchObject({ error: { code: "BARRIER_REFUSED", retryable: true } });
    expect(world.events("barrier.conflict")).toMatchObject([{ kind: "early", have: "none" }]);
    await world.outcome(barrier.try("t-1/debit", () => {}));
    expect(
      await said(
        world,
        barrier.confirm("t-1/debit", () => "used"),
      ),
    ).toBe("used");
  });

  it("come to the same in all 1680 orders of three copies each", async () => {
    const { world, barrier } = rig();
    let number = 0;
    const all = [...arrivals()].map(async (calls) => {
      const branch = `t-${(number += 1)}/debit`;
      const oracle = new Oracle();
      for (const operation of calls) {
        let seen = "quiet";
        await barrier[operation](branch, () => void (seen = "ran")).catch(() => (seen = "refused"));
        if (seen !== oracle.call(operation)) return `${calls.join(" ")}: ${seen} at ${operation}`;
      }
      return undefined;
    });
    const outcome = await world.outcome(Promise.all(all), 10_000);
    expect(outcome.kind === "value" ? outcome.value.filter(Boolean) : outcome).toEqual([]);
    expect(number).toBe(1_680);
  });
});
