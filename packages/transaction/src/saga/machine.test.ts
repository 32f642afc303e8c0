import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { freshRecord } from "./children.ts";
import { decodeRecord, encodeRecord } from "./codec.ts";
import { saga } from "./define.ts";
import type { Input, InputKind, Phase } from "./inputs.ts";
import { advance, phaseOf, TRANSITIONS } from "./machine.ts";
import type { SagaModel } from "./model.ts";
import { planOf } from "./plan.ts";
import type { SagaRecord } from "./record.ts";
import { numbered } from "./saga.fixture.ts";

const step = { run: () => 1, undo: () => {} };
const { model } = saga("m", { version: 1, input: numbered, deadlineMs: 1_000 })
  .step("a", step)
  .parallel({ b: step, c: step })
  .pivot("p", { run: () => 1 })
  .step("z", { run: () => 1 })
  .returns(() => "end");
const { model: line } = saga("l", { version: 1, input: numbered })
  .step("a", step)
  .step("b", step)
  .returns(() => "end");

const facts = {
  input: { kind: "inline", text: "1" },
  createdAtMs: 0,
  owner: "w",
  fence: 5,
} as const;
const begin = (of: SagaModel, parent?: string): SagaRecord =>
  freshRecord(of, parent === undefined ? facts : { ...facts, parent });
const after = (record: SagaRecord, of: SagaModel, ...inputs: Input[]): SagaRecord =>
  inputs.reduce((now, input) => advance(now, input, of, 10).record, record);
const done = (...names: string[]): Input[] => names.map((name) => ({ kind: "done", step: name }));

const BEFORE: Readonly<Record<Phase, { readonly of: SagaModel; readonly record: SagaRecord }>> = {
  forward: { of: model, record: after(begin(model), model, ...done("a")) },
  pivoting: { of: model, record: after(begin(model), model, ...done("a", "b", "c")) },
  committed: { of: model, record: after(begin(model), model, ...done("a", "b", "c", "p")) },
  compensating: {
    of: line,
    record: after(begin(line), line, ...done("a"), { kind: "refused", step: "b", reason: "no" }),
  },
  unsealed: {
    of: line,
    record: after(begin(line, "parent"), line, ...done("a", "b"), {
      kind: "finish",
      result: undefined,
    }),
  },
  done: {
    of: line,
    record: after(begin(line), line, ...done("a", "b"), { kind: "finish", result: undefined }),
  },
  compensated: { of: line, record: after(begin(line), line, { kind: "force-compensated" }) },
};

const atHand: Readonly<Record<Phase, string>> = {
  forward: "b",
  pivoting: "p",
  committed: "z",
  compensating: "b",
  unsealed: "b",
  done: "b",
  compensated: "b",
};

function inputs(phase: Phase): Record<InputKind, Input> {
  const name = atHand[phase];
  const failure = { step: name, error: "down", isInDoubt: true, notBeforeMs: 20 };
  const target = phase === "compensating" ? `${name}:undo` : name;
  return {
    begun: { kind: "begun", step: name },
    done: { kind: "done", step: name },
    skipped: { kind: "skipped", step: name },
    refused: { kind: "refused", step: name, reason: "no" },
    failed: { kind: "failed", ...failure },
    exhausted: { kind: "exhausted", ...failure },
    unstorable: { kind: "unstorable", step: name, reason: "too large" },
    deadline: { kind: "deadline" },
    finish: { kind: "finish", result: undefined },
    unfit: { kind: "unfit", what: "input", reason: "drift" },
    undone: { kind: "undone", step: name },
    "undo-failed": { kind: "undo-failed", ...failure },
    "undo-exhausted": { kind: "undo-exhausted", ...failure },
    "parent-undo": { kind: "parent-undo", reason: "no" },
    seal: { kind: "seal" },
    sealed: { kind: "sealed" },
    retry: { kind: "retry", target: undefined },
    skip: { kind: "skip", target },
    resolve: { kind: "resolve", target },
    cancel: { kind: "cancel", reason: "stop" },
    "force-done": { kind: "force-done", result: undefined },
    "force-compensated": { kind: "force-compensated" },
  };
}

/** What must be true of the record after a move. */
const AFTER: Readonly<Record<string, (record: SagaRecord, before: SagaRecord) => boolean>> = {
  note: (record, before) => record !== before && record.state === before.state,
  decide: ({ state, decision, steps }) =>
    state === "compensating" &&
    decision !== undefined &&
    steps.records.every(({ outcome }) => outcome !== undefined),
  "give-up": ({ state }) => state === "compensating",
  park: ({ stuck }) => [...stuck.values()].some(({ isParked }) => isParked),
  flag: ({ stuck }) => stuck.size > 0 && [...stuck.values()].every(({ isParked }) => !isParked),
  undone: ({ steps }) => steps.get("b")?.undo?.isDone === true,
  "end-done": ({ state }) => state === "done",
  "end-compensated": ({ state }) => state === "compensated",
  seal: ({ isSealed }) => isSealed === true,
};

describe("the protocol, phase by phase and input by input", () => {
  const phases = Object.keys(TRANSITIONS) as Phase[];
  it.each(phases)("does in the phase %s what its table says", (phase) => {
    const { of, record } = BEFORE[phase];
    expect(phaseOf(record, of)).toBe(phase);
    for (const [kind, input] of Object.entries(inputs(phase))) {
      const says = TRANSITIONS[phase][kind as InputKind];
      const moved = advance(record, input, of, 10);
      const holds =
        says === "ignore" || says === "refuse" || says === "again" || moved.move === "ignore"
          ? moved.record === record
          : (AFTER[says]?.(moved.record, record) ?? false);
      expect({ phase, kind, says, holds }).toEqual({ phase, kind, says, holds: true });
      if (says === "refuse") expect(moved.move).toBe("refuse");
    }
  });

  it("counts as in doubt what may have begun, and not what its predecessor's write turned", () => {
    const first = after(begin(model), model, ...done("a"));
    const cancelled = after(first, model, { kind: "cancel", reason: "stop" });
    expect([...cancelled.steps].map(([name, { outcome }]) => `${name} ${outcome}`)).toEqual([
      "a done",
      "b unknown",
      "c unknown",
    ]);
    const late = advance(begin(model), { kind: "done", step: "a" }, model, 1_000).record;
    expect(late).toMatchObject({ state: "compensating", decision: { cause: "deadline" } });
    expect(late.steps.names).toEqual(["a"]);
  });

  it("never turns at a deadline that passes with the last step before its end", () => {
    const timed = { ...line, deadlineMs: 1_000 };
    const first = after(begin(timed), timed, ...done("a"));
    const last = advance(first, { kind: "done", step: "b" }, timed, 1_000).record;
    expect(planOf(last, timed, 1_000)).toEqual({ kind: "finish" });
  });
});

describe("any sequence of inputs", () => {
  const kinds = Object.keys(inputs("forward")) as InputKind[];
  const names = ["a", "b", "c", "p", "z", "a:undo", "b:undo"];
  const some = fc.array(
    fc.record({
      kind: fc.constantFrom(...kinds),
      name: fc.constantFrom(...names),
      at: fc.nat(2_000),
    }),
    { maxLength: 30 },
  );

  it("never changes an end, takes a decision back, or turns once the pivot is done", () => {
    fc.assert(
      fc.property(some, (list) => {
        let record = begin(model);
        for (const { kind, name, at } of list) {
          const base = inputs("forward")[kind];
          const named = "step" in base ? { ...base, step: name } : base;
          const input = ("target" in named ? { ...named, target: name } : named) as Input;
          // Only a plan that is complete is finished.
          const isEarly = kind === "finish" && planOf(record, model, 0).kind !== "finish";
          if (isEarly || (kind === "done" && !atHandNow(record, name))) continue;
          const next = advance(record, input, model, at).record;
          if (record.state === "done" || record.state === "compensated") {
            expect(next.state).toBe(record.state);
          }
          if (record.decision !== undefined) expect(next.decision).toBe(record.decision);
          if (record.steps.get("p")?.outcome === "done") expect(next.decision).toBeUndefined();
          const decoded = decodeRecord(encodeRecord(next));
          expect(decoded).toEqual({ ok: true, record: next });
          record = next;
        }
      }),
    );
  });

  function atHandNow(record: SagaRecord, name: string): boolean {
    const plan = planOf(record, model, 0);
    return plan.kind === "run" && plan.parts.some((part) => part.name === name);
  }
});

describe("a stored record", () => {
  it("is refused with a reason, whatever is there instead", () => {
    const good = encodeRecord(begin(line));
    const [head = "", value = ""] = good.split("\n");
    const bad = [
      "",
      "null",
      head,
      `${good}\n1`,
      good.replace('"v":1', '"v":2'),
      good.replace('"state":"running"', '"state":"gone"'),
      good.replace('"fence":5', '"fence":-1'),
      `${head.replace("}", ',"steps":{"a":{"n":0,"o":"maybe"}}}')}\n${value}`,
      `${head.replace("}", ',"audit":[1]}')}\n${value}`,
      "[".repeat(100_000),
    ];
    for (const text of bad) {
      expect({ text: text.slice(0, 40), ok: decodeRecord(text).ok }).toEqual({
        text: text.slice(0, 40),
        ok: false,
      });
    }
    const hostile = good.replace("}", ',"steps":{"__proto__":{"n":0}}}');
    expect(decodeRecord(hostile)).toMatchObject({ ok: true });
    expect(({} as Record<string, unknown>)["n"]).toBeUndefined();
  });
});

describe("an operator's word that came before what the attempt came to", () => {
  it("stands, forward and back", () => {
    const failure = { error: "down", isInDoubt: true, notBeforeMs: 20 };
    const skipped = after(begin(line), line, { kind: "skip", target: "a" });
    for (const kind of ["failed", "exhausted"] as const) {
      const late = advance(skipped, { kind, step: "a", ...failure }, line, 10);
      expect(late).toEqual({ move: "ignore", record: skipped });
    }
    const late = { kind: "unstorable", step: "a", reason: "too long" } as const;
    expect(advance(skipped, late, line, 10).record).toBe(skipped);
    const back = after(
      begin(line),
      line,
      ...done("a"),
      { kind: "exhausted", step: "b", ...failure },
      { kind: "skip", target: "b:undo" },
    );
    expect(back.state).toBe("compensating");
    for (const kind of ["undo-failed", "undo-exhausted"] as const) {
      expect(advance(back, { kind, step: "b", ...failure }, line, 10).record).toBe(back);
    }
  });
});
