/** Who may decide, who may ask, and when a reservation may be freed. */
import { sleep } from "@quorate/core";
import { describe, expect, it } from "vitest";

import { BankWorld } from "./bank.fixture.ts";
import { coordinate, COORDINATOR, type Incident, type Stage } from "./machine.ts";
import { cancelling, confirming, tccCodec, type TccRecord } from "./record.ts";
import { mayFree, type TccDecision } from "./reservation.ts";

const stages = Object.keys(COORDINATOR) as Stage[];
const incidents = Object.keys(COORDINATOR.trying) as Incident[];

describe("the coordinator's table", () => {
  it("has one way to the commit point", () => {
    const ways = stages.flatMap((stage) =>
      incidents
        .filter((one) => coordinate(stage, one) === "write-confirming")
        .map((one) => [stage, one]),
    );
    expect(ways).toEqual([["trying", "all-tried"]]);
  });

  it("never turns a decision, whatever befalls it", () => {
    for (const incident of incidents) {
      for (const stage of ["confirming", "confirmed"] as const) {
        expect(coordinate(stage, incident)).not.toMatch(/cancel/);
      }
      for (const stage of ["cancelling", "cancelled", "absent"] as const) {
        expect(coordinate(stage, incident)).not.toMatch(/confirm/);
      }
    }
  });

  it("ends an undecided transaction by everything but being asked in time", () => {
    const quiet = incidents.filter((one) => coordinate("trying", one) === "wait");
    expect(quiet).toEqual(["asked", "all-settled"]);
  });
});

describe("decision", () => {
  it("is pending until the deadline and the skew are over, then the question cancels", async () => {
    const bank = new BankWorld();
    const [one, two] = [bank.start(), bank.start({ skewMs: 2_000 })];
    bank.meddle = (operation, { branch }) =>
      operation === "try" && branch.endsWith("credit") ? new Promise(() => {}) : undefined;
    const moved = one.move("t-1", 30, 3_000);
    await bank.world.runtime.advance(1_000);
    expect(await two.tcc.decision("t-1")).toBe("pending");
    one.process.kill();
    void moved.catch(() => {});
    await bank.world.runtime.advance(3_900);
    expect(["pending", "cancel"]).toContain(await two.tcc.decision("t-1"));
    await bank.world.runtime.advance(200);
    expect(await two.tcc.decision("t-1")).toBe("cancel");
    await bank.world.runtime.advance(10_000);
    expect((await bank.account("alice").read()).free).toBe(100);
  });

  it("of a participant that serves nothing cancels for a coordinator that is cut off", async () => {
    const bank = new BankWorld();
    const one = bank.start();
    const asker = bank.start({ skewMs: 0 });
    await bank.world.runtime.advance(1_000);
    const late = one.tcc.run("transfer", { id: "t-1", deadlineMs: 1_000 }, async (t) => {
      await t.branch("debit", { account: "alice", cents: 30 });
      one.process.pause();
      await sleep(one.process.backend.runtime, 500);
      return "too late";
    });
    await bank.world.runtime.advance(1_500);
    const answer = await asker.tcc.decision("t-1");
    expect(answer).toBe("cancel");
    one.process.resume();
    expect(await bank.world.outcome(late)).toMatchObject({
      error: { code: "TRANSACTION_ABORTED" },
    });
    await bank.world.runtime.advance(10_000);
    expect((await bank.account("alice").read()).free).toBe(100);
  });

  it("of what ended says how, and of what nobody knows: cancel", async () => {
    const bank = new BankWorld();
    const one = bank.start();
    await bank.world.outcome(Promise.allSettled([one.move("t-1", 30), one.move("t-2", 300)]));
    expect(await one.tcc.decision("t-1")).toBe("confirm");
    expect(await one.tcc.decision("t-2")).toBe("cancel");
    expect(await one.tcc.decision("t-3")).toBe("cancel");
  });
});

describe("mayFree", () => {
  const held = { id: "t-1", branch: "t-1/debit", expiresAtMs: 5_000 };
  const saying = (answer: TccDecision) => ({ decision: async () => answer });

  it("asks nobody before the reservation has run out", async () => {
    const never = { decision: () => expect.fail("asked") };
    expect(await mayFree(held, never, 4_999)).toBe(false);
  });

  it.each([
    ["cancel", true],
    ["confirm", false],
    ["pending", false],
  ] as const)("after that, and told %s: %s", async (answer, free) => {
    expect(await mayFree(held, saying(answer), 5_000)).toBe(free);
  });

  it("frees nothing when nobody can be asked", async () => {
    const silent = { decision: () => Promise.reject(new Error("store down")) };
    await expect(mayFree(held, silent, 5_000)).rejects.toThrow("store down");
  });

  it("frees what a dead coordinator left, under the barrier, once", async () => {
    const bank = new BankWorld();
    const [one, two] = [bank.start(), bank.start({ skewMs: 0 })];
    let note: unknown;
    bank.meddle = (operation, context) => {
      if (operation !== "try") return;
      note = JSON.parse(JSON.stringify((context as { reservation?: object }).reservation));
    };
    void one.tcc.run("transfer", { id: "t-1", deadlineMs: 1_000 }, async (t) => {
      await t.branch("debit", { account: "alice", cents: 30 });
      one.process.kill();
      await new Promise(() => {});
    });
    await bank.world.runtime.advance(500);
    const now = () => bank.world.runtime.time.wallMs();
    expect(await mayFree(note as never, two.tcc, now())).toBe(false);
    await bank.world.runtime.advance(6_000);
    expect(await mayFree(note as never, two.tcc, now())).toBe(true);
    await bank.world.runtime.advance(10_000);
    expect((await bank.account("alice").read()).free).toBe(100);
  });
});

describe("a stored transaction", () => {
  const record: TccRecord = {
    ...{ name: "transfer", state: "trying", reason: "", startedAtMs: 1, deadlineAtMs: 2 },
    branches: [
      {
        name: "a",
        participant: "a",
        input: { x: [1] },
        status: "registered",
        failures: 0,
        error: "",
      },
    ],
    ...{ isStuck: false, result: undefined, owner: "w", fence: 7, takeovers: 0 },
  };

  it("reads back as it was", () => {
    for (const one of [record, confirming(record, { ok: true }), cancelling(record, "no")]) {
      const decoded = tccCodec.decode(tccCodec.encode(one));
      expect(decoded.ok && JSON.parse(JSON.stringify(decoded.record))).toEqual(
        JSON.parse(JSON.stringify(one)),
      );
    }
  });

  it("that is decided is decided for good", () => {
    const yes = confirming(record, 1);
    expect(cancelling(yes, "late")).toBe(yes);
    const no = cancelling(record, "no");
    expect(confirming(no, 1)).toBe(no);
  });

  it("of somebody else is told from ours", () => {
    const text = JSON.parse(tccCodec.encode(record)) as Record<string, unknown>;
    const broken: readonly unknown[] = [
      7,
      [],
      { ...text, v: 2 },
      ...Object.keys(text)
        .filter((key) => key !== "v")
        .map((key) => ({ ...text, [key]: {} })),
      { ...text, branches: [{}] },
      { ...text, branches: [7] },
      { ...text, fence: -1 },
    ];
    for (const one of broken) {
      expect(tccCodec.decode(JSON.stringify(one)).ok, JSON.stringify(one)).toBe(
        JSON.stringify(one) === JSON.stringify({ ...text, result: {} }),
      );
    }
    expect(tccCodec.decode("{").ok).toBe(false);
  });
});
