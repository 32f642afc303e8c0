import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Decision,
  decide,
  DECISIONS,
  type Finding,
  findingOf,
  type Question,
  type Seen,
} from "./machine.ts";

const FINDINGS = Object.keys(DECISIONS.ask) as Finding[];
const QUESTIONS = Object.keys(DECISIONS) as Question[];
const seen = (more: Partial<Seen> = {}): Seen => ({
  hasAnswer: false,
  owner: "other",
  fingerprint: "f",
  leaseLeftMs: 1,
  ...more,
});
const me = { owner: "me", fingerprint: "f" };

describe("what is found", () => {
  it.each<[Finding, Seen | undefined]>([
    ["nothing", undefined],
    ["running", seen()],
    ["lapsed", seen({ leaseLeftMs: 0 })],
    ["lapsed", seen({ leaseLeftMs: -5 })],
    ["answered", seen({ hasAnswer: true, leaseLeftMs: 0 })],
    ["mine-running", seen({ owner: "me", leaseLeftMs: -5 })],
    ["mine-answered", seen({ owner: "me", hasAnswer: true })],
    ["other-request", seen({ fingerprint: "g" })],
    ["other-request", seen({ fingerprint: "g", leaseLeftMs: 0 })],
    ["other-request", seen({ fingerprint: "g", hasAnswer: true })],
    ["other-request", seen({ fingerprint: "" })],
  ])("is %s", (finding, found) => {
    expect(findingOf(found, me)).toBe(finding);
  });

  it("is never one's own before the first claim", () => {
    expect(findingOf(seen(), { owner: undefined, fingerprint: "f" })).toBe("running");
  });
});

describe("the table", () => {
  it("has a decision for every question and finding", () => {
    for (const question of QUESTIONS) {
      expect(Object.keys(DECISIONS[question])).toEqual(FINDINGS);
    }
  });

  it("takes a key over from nobody but a run whose lease has ended", () => {
    const from = QUESTIONS.flatMap((question) =>
      FINDINGS.filter((finding) => decide(question, finding) === "take-over"),
    );
    expect(from).toEqual(["lapsed"]);
  });

  it("writes over its own running record alone, when it repeats a write", () => {
    for (const question of QUESTIONS) {
      const writes = FINDINGS.filter((finding) => decide(question, finding) === "again");
      expect(writes).toEqual(question === "ask" ? [] : ["mine-running"]);
    }
  });

  it("never replaces an answer", () => {
    const kept: Decision[] = ["replay", "done", "superseded"];
    for (const question of QUESTIONS) {
      for (const finding of ["answered", "mine-answered"] as const) {
        expect(kept).toContain(decide(question, finding));
      }
    }
  });
});

/**
 * A register with compare-and-set, and owners that walk through the protocol by the table, each
 * step of each at any time, with leases that end at any time, replies that are lost and owners that
 * are slow: the least that the shell does, and no clock.
 */
interface Owner {
  readonly name: string;
  /** What it believes to be the revision of its claim; 0: it has none. */
  revision: number;
  token: number;
  state: "idle" | "running" | "answered" | "superseded";
}
interface Register {
  revision: number;
  record: { owner: string; token: number; answer: string | undefined; lapsed: boolean } | undefined;
}
interface Model {
  readonly register: Register;
  readonly announced: Set<string>;
  readonly stored: string[];
}

const stepOf = fc.record({
  owner: fc.nat({ max: 2 }),
  kind: fc.constantFrom("ask", "renew", "answer", "let-go", "lapse"),
  isReplyLost: fc.boolean(),
});
type Step = typeof stepOf extends fc.Arbitrary<infer T> ? T : never;

function write(model: Model, record: Register["record"]): number {
  model.register.revision += 1;
  model.register.record = record;
  return model.register.revision;
}

function view({ register: { record } }: Model, owner: Owner): Finding {
  const found =
    record === undefined
      ? undefined
      : seen({
          owner: record.owner,
          hasAnswer: record.answer !== undefined,
          leaseLeftMs: record.lapsed ? 0 : 1,
        });
  return findingOf(found, { owner: owner.name, fingerprint: "f" });
}

function ask(model: Model, owner: Owner, { isReplyLost }: Step): void {
  const decision = decide("ask", view(model, owner));
  const { record } = model.register;
  if (decision === "replay" && record?.answer !== undefined) model.announced.add(record.answer);
  else if (decision === "claim" || decision === "take-over") {
    const token = model.register.revision + 1;
    // Each run has a name of its own, as each claim has.
    owner.token = token;
    const revision = write(model, { owner: owner.name, token, answer: undefined, lapsed: false });
    if (!isReplyLost) Object.assign(owner, { revision, state: "running" });
  } else if (decision === "own") {
    Object.assign(owner, { revision: model.register.revision, state: "running" });
  }
}

/** A write of a run against the revision that it wrote last, and what follows a refusal. */
function runs(model: Model, owner: Owner, { kind, isReplyLost }: Step): void {
  const question = kind as Exclude<Question, "ask">;
  const answer = `by ${owner.name} ${owner.token}`;
  for (;;) {
    if (model.register.revision === owner.revision && model.register.record !== undefined) {
      const { token } = owner;
      const mine = { owner: owner.name, token, answer: undefined, lapsed: question === "let-go" };
      const revision = write(model, question === "answer" ? { ...mine, answer } : mine);
      if (question === "answer") model.stored.push(answer);
      if (isReplyLost) return;
      owner.revision = revision;
      if (question === "answer") model.announced.add(answer);
      if (question !== "renew") owner.state = question === "answer" ? "answered" : "idle";
      return;
    }
    const decision = decide(question, view(model, owner));
    if (decision === "again") owner.revision = model.register.revision;
    else {
      const { record } = model.register;
      if (decision === "replay" && record?.answer !== undefined) model.announced.add(record.answer);
      if (decision === "done" && question === "answer") model.announced.add(answer);
      owner.state = "superseded";
      return;
    }
  }
}

describe("owners that go by the table", () => {
  it("announce one answer, that of a run which was never superseded", () => {
    fc.assert(
      fc.property(fc.array(stepOf, { maxLength: 40 }), (steps) => {
        const model: Model = {
          register: { revision: 0, record: undefined },
          announced: new Set(),
          stored: [],
        };
        const owners = ["a", "b", "c"].map((name): Owner => ({
          name,
          revision: 0,
          token: 0,
          state: "idle",
        }));
        for (const step of steps) {
          const owner = owners[step.owner];
          if (owner === undefined) continue;
          const before = model.register.record;
          if (step.kind === "lapse") {
            if (before?.answer === undefined && before !== undefined) before.lapsed = true;
          } else if (step.kind === "ask") {
            if (owner.state === "idle") ask(model, owner, step);
          } else if (owner.state === "running") runs(model, owner, step);
          const after = model.register.record;
          // An answer stays; of others' records only those of ended leases are written over.
          if (before?.answer !== undefined) expect(after).toEqual(before);
          else if (before !== undefined && after?.owner !== before.owner) {
            expect(before.lapsed).toBe(true);
          }
        }
        expect(model.stored.length).toBeLessThanOrEqual(1);
        expect(model.announced.size).toBeLessThanOrEqual(1);
        for (const answer of model.announced) expect(model.stored).toEqual([answer]);
      }),
      { numRuns: 5_000 },
    );
  });
});
