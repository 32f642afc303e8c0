import { describe, expect, it } from "vitest";
import { Agenda } from "./agenda.ts";
import { type Choice, choicesOf, extended, faultsOf, leftOf, type Schedule } from "./schedule.ts";

const crash: Choice = { kind: "crash" };
const late: Choice = { kind: "late" };
const land: Choice = { kind: "land", request: 0 };

const of = (...choices: readonly (readonly [number, Choice])[]): Schedule | undefined => {
  let schedule: Schedule | undefined;
  for (const [at, choice] of choices) schedule = extended(schedule, { at, choice });
  return schedule;
};

describe("a schedule", () => {
  it("counts faults; that a late request lands is none more", () => {
    expect(faultsOf(of([0, crash], [3, late], [5, land]))).toBe(2);
    expect(faultsOf(undefined)).toBe(0);
  });

  it("leaves of a budget what it has not used", () => {
    const budget = { crashes: 2, zombies: 1, refusals: 1, lateRequests: 1 };
    const schedule = of([0, crash], [2, { kind: "pause" }], [3, late], [4, { kind: "refuse" }]);
    const left = { crashes: 1, zombies: 0, refusals: 0, lateRequests: 0 };
    expect(leftOf(budget, schedule)).toEqual(left);
  });

  it("says what is chosen where", () => {
    const choices = choicesOf(of([0, crash], [3, late]));
    expect(choices.size).toBe(2);
    expect([choices.get(0), choices.get(1), choices.get(3)]).toEqual([crash, undefined, late]);
  });
});

describe("an agenda", () => {
  const all = (agenda: Agenda): number[] => {
    const faults: number[] = [];
    for (let next = agenda.take(); next !== undefined; next = agenda.take()) {
      faults.push(faultsOf(next.schedule));
      if (faultsOf(next.schedule) < 2) {
        const at = (next.schedule?.at ?? -1) + 1;
        agenda.add(next.schedule, [
          { at, choice: crash },
          { at: at + 1, choice: late },
        ]);
      }
    }
    return faults;
  };

  it("has the schedules with fewer faults first, and each once", () => {
    expect(all(new Agenda(100))).toEqual([0, 1, 1, 2, 2, 2, 2]);
  });

  it("is bounded, and says what it left out", () => {
    const agenda = new Agenda(4);
    expect(all(agenda)).toHaveLength(4);
    expect(agenda.dropped).toBeGreaterThan(0);
  });
});
