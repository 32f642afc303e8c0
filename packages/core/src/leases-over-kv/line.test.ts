import { describe, expect, it } from "vitest";

import { type Input, step, type View } from "./line.ts";
import { type Claim, FREE, type LeaseRecord, withTokens } from "./record.ts";

const calm: View = {
  isHere: () => false,
  isDead: () => false,
  isGhost: () => false,
  overtake: false,
  rollCall: false,
  maxBytes: 100_000,
};

const by = (owner: string, more: Partial<Claim> = {}): Claim => ({
  owner,
  process: owner.slice(0, 1),
  weight: 1,
  capacity: 1,
  ttlMs: 1_000,
  fair: true,
  data: undefined,
  ...more,
});
const wait = (owner: string, more: Partial<Claim> = {}): Input => ({
  kind: "claim",
  claim: by(owner, more),
  wait: true,
});
const now = (owner: string, more: Partial<Claim> = {}): Input => ({
  kind: "claim",
  claim: by(owner, more),
  wait: false,
});
const release = (owner: string, token?: number): Input => ({ kind: "release", owner, token });

/** Plays inputs one write at a time, the way a store would take them. */
class Play {
  record: LeaseRecord = FREE;
  revision = 100;

  do(view: Partial<View>, ...inputs: Input[]) {
    const stepped = step(this.record, inputs, { ...calm, ...view });
    if (stepped.changed) this.record = withTokens(stepped.record, ++this.revision);
    return stepped.verdicts;
  }

  get holders() {
    return [...this.record.holders.values()].map(({ owner, confirmed }) =>
      confirmed ? owner : `${owner}?`,
    );
  }

  get line() {
    return [...this.record.line.values()].map(({ owner, skipped, asked }) =>
      skipped ? `${owner}!` : asked > 0 ? `${owner}.` : owner,
    );
  }

  token(owner: string) {
    return this.record.holders.get(owner)?.token ?? 0;
  }
}

describe("the machine of a lease name", () => {
  it("grants what is free, and tells who does not wait that it is held", () => {
    const play = new Play();
    expect(play.do({}, now("a"), now("b"))).toEqual(["held", "refused"]);
    expect(play.holders).toEqual(["a"]);
    expect(play.line).toEqual([]);
  });

  it("takes the revision of the granting write as the token", () => {
    const play = new Play();
    play.do({}, now("a"));
    expect(play.token("a")).toBe(101);
    play.do({}, { kind: "renew", owner: "a", token: 101, ttlMs: 500 });
    expect(play.revision).toBe(102);
    expect(play.token("a")).toBe(101);
    expect(play.record.holders.get("a")).toMatchObject({ beat: 1, ttlMs: 500 });
  });

  it("gives each grant of one write its own token", () => {
    const play = new Play();
    const three = { capacity: 3 };
    play.do({}, now("a", three), now("b", three), now("c", three));
    expect(["a", "b", "c"].map((owner) => play.token(owner))).toEqual([101, 102, 103]);
    play.do({}, release("b"));
    play.do({}, now("d", three));
    expect(play.token("d")).toBe(104);
  });

  it("hands over in line, provisionally to other processes, for good to its own", () => {
    const play = new Play();
    play.do({}, now("a"), wait("b"), wait("c"));
    play.do({}, release("a", play.token("a")));
    expect(play.holders).toEqual(["b?"]);
    expect(play.do({}, wait("b"))).toEqual(["held"]);
    expect(play.holders).toEqual(["b"]);
    play.do({ isHere: (claim) => claim.owner === "c" }, release("b"));
    expect(play.holders).toEqual(["c"]);
  });

  it("lets nobody who is fair overtake the line, and those who are not", () => {
    const play = new Play();
    const pair = { capacity: 2 };
    play.do({}, now("a", pair), wait("b", { ...pair, weight: 2 }));
    expect(play.do({}, now("c", pair))).toEqual(["refused"]);
    expect(play.do({}, now("d", { ...pair, fair: false }))).toEqual(["held"]);
    play.do({}, wait("e", { ...pair, fair: false }));
    play.do({}, release("d"));
    expect(play.holders).toEqual(["a", "e?"]);
    expect(play.line).toEqual(["b"]);
  });

  it("lets a claim that does not fit block those behind it, so that it does not starve", () => {
    const play = new Play();
    const many = { capacity: 10 };
    play.do({}, now("r1", many), wait("w", { ...many, weight: 10 }), wait("r2", many));
    expect(play.holders).toEqual(["r1"]);
    play.do({}, release("r1"));
    expect(play.holders).toEqual(["w?"]);
    play.do({}, wait("w"), release("w"));
    expect(play.holders).toEqual(["r2?"]);
  });

  it("renews only the same token", () => {
    const play = new Play();
    play.do({}, now("a"));
    const token = play.token("a");
    const renew = (more: { owner?: string; token?: number }): Input => ({
      kind: "renew",
      owner: "a",
      token,
      ttlMs: 1,
      ...more,
    });
    expect(play.do({}, renew({ token: token - 1 }), renew({ owner: "b" }), renew({}))).toEqual([
      "absent",
      "absent",
      "held",
    ]);
  });

  it("releases only the same token, and without one whatever the owner has", () => {
    const play = new Play();
    play.do({}, now("a"), wait("b"));
    expect(play.do({}, release("a", 5), release("c"))).toEqual(["absent", "absent"]);
    expect(play.do({}, release("b"), release("b"))).toEqual(["released", "absent"]);
    expect(play.do({}, release("a"), release("a"))).toEqual(["released", "absent"]);
    expect(play.holders).toEqual([]);
  });

  it("recognises the same claim again, holding or waiting", () => {
    const play = new Play();
    play.do({}, now("a"), wait("b"), wait("c"));
    const token = play.token("a");
    expect(play.do({}, wait("a"), wait("b"))).toEqual(["held", "waiting"]);
    expect(play.token("a")).toBe(token);
    expect(play.line).toEqual(["b", "c"]);
    expect(step(play.record, [wait("b")], calm).changed).toBe(false);
  });

  it("removes the dead before it listens to the living", () => {
    const play = new Play();
    play.do({}, now("a"));
    const token = play.token("a");
    const isDead = () => true;
    expect(play.do({ isDead }, { kind: "renew", owner: "a", token, ttlMs: 1 })).toEqual(["absent"]);
    expect(play.holders).toEqual([]);
    expect(play.record.expired).toEqual([token]);
  });

  it("passes over a grantee that did not confirm, and keeps its place until it answers", () => {
    const play = new Play();
    play.do({}, now("a"), wait("b1"), wait("c"), wait("b2"), wait("d"));
    play.do({}, release("a"));
    expect(play.holders).toEqual(["b1?"]);
    play.do({ isDead: (holder) => holder.owner === "b1" });
    // All of its process are passed over: one claim window is enough for one dead process.
    expect(play.holders).toEqual(["c?"]);
    expect(play.line).toEqual(["b1!", "b2!", "d"]);
    play.do({}, wait("c"), wait("b1"), wait("b2"));
    expect(play.line).toEqual(["b1", "b2", "d"]);
    play.do({}, release("c"));
    expect(play.holders).toEqual(["b1?"]);
    expect(play.record.expired).toEqual([]);
  });

  it("takes a turn that those ahead let lie, and asks them for a sign of life", () => {
    const play = new Play();
    play.do({}, now("a"), wait("b"), wait("c"), wait("d"));
    const isHere = (claim: Claim) => claim.owner === "c";
    play.do({ isHere, overtake: true, isDead: () => true });
    expect(play.holders).toEqual(["c"]);
    expect(play.line).toEqual(["b!", "d"]);
  });

  it("removes those who never answer, and asks all others when it calls the roll", () => {
    const play = new Play();
    const isHere = (claim: Claim) => claim.owner === "c";
    play.do({}, now("a"), wait("b"), wait("c"), wait("d"));
    play.do({ isHere, rollCall: true });
    expect(play.line).toEqual(["b.", "c", "d."]);
    expect(play.record.rolls).toBe(1);
    play.do({}, wait("d"));
    play.do({ isHere, isGhost: (waiter) => waiter.asked > 0 });
    expect(play.line).toEqual(["c", "d"]);
  });

  it("keeps what was granted in the instant in which the wait ended", () => {
    const play = new Play();
    play.do({}, now("a"), wait("b"), wait("c"));
    const settle = (owner: string): Input => ({ kind: "settle", owner });
    expect(play.do({}, settle("c"), settle("x"))).toEqual(["released", "absent"]);
    play.do({}, release("a"));
    expect(play.do({}, settle("b"))).toEqual(["held"]);
    expect(play.holders).toEqual(["b"]);
  });

  it("looks without leaving a trace", () => {
    const play = new Play();
    play.do({}, now("a"), wait("b"));
    const look = (owner: string): Input => ({ kind: "look", owner });
    const stepped = step(play.record, [look("a"), look("b"), look("c")], calm);
    expect(stepped.verdicts).toEqual(["present", "present", "absent"]);
    expect(stepped.changed).toBe(false);
    expect(stepped.record).toBe(play.record);
  });

  it("takes no claim for which the record has no room", () => {
    const play = new Play();
    const maxBytes = 1_000;
    play.do({ maxBytes }, now("a"));
    const verdicts = Array.from({ length: 20 }, (_, index) =>
      play.do({ maxBytes }, wait(`b${index}`)),
    );
    expect(verdicts.flat()).toContain("full");
    expect(play.line.length).toBeGreaterThan(3);
    expect(play.line.length).toBeLessThan(10);
    expect(play.do({ maxBytes }, wait("a"), release("b0"))).toEqual(["held", "released"]);
  });

  it("leaves a waiter's long data out until it holds", () => {
    const play = new Play();
    const data = "x".repeat(1_000);
    play.do({}, now("a"), wait("b", { data }), wait("c", { data: "short" }));
    expect(play.record.line.get("b")?.data).toBeUndefined();
    expect(play.record.line.get("c")?.data).toBe("short");
    play.do({}, release("a"));
    play.do({}, wait("b", { data }));
    expect(play.record.holders.get("b")?.data).toBe(data);
  });

  it("grants at most 64 in a write and the rest in the next", () => {
    const play = new Play();
    const wide = { capacity: 1_000 };
    play.do({}, now("a", { ...wide, weight: 1_000 }));
    for (let index = 0; index < 100; index++) play.do({}, wait(`b${index}`, wide));
    play.do({}, release("a"));
    expect(play.holders.length).toBe(64);
    play.do({}, wait("b0", wide));
    expect(play.holders.length).toBe(100);
    expect(new Set([...play.record.holders.values()].map(({ token }) => token)).size).toBe(100);
  });
});
