import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { end, look, type Look, pause, resume, type Step, trigger } from "./machine.ts";
import { checkCronOptions, policyOf } from "./options.ts";
import { type Claimed, freshRecord, type JobRecord } from "./record.ts";
import { parseSchedule } from "./schedule.ts";

const schedule = parseSchedule({ everyMs: 1_000 }, "UTC");

/** One of three processes, by whose clock it is `nowMs`. */
function inputOf(nowMs: number, by: string, dead: readonly string[], seed: number): Look {
  const options = {
    missed: (["skip", "once", "all"] as const)[seed % 3] ?? "skip",
    overlap: (["skip", "queue", "allow"] as const)[Math.floor(seed / 3) % 3] ?? "skip",
    onCrash: (["retry", "skip"] as const)[seed % 2] ?? "skip",
    graceMs: 1_500,
    missedLimit: 3,
    historyLimit: 20,
  };
  const policy = policyOf(checkCronOptions(options).defaults, schedule, nowMs);
  const claimer = { owner: by, by };
  return { name: "job", schedule, policy, nowMs, seenMs: 0, claimer, dead: new Set(dead), by };
}

const step = fc.record({
  what: fc.constantFrom(
    "look",
    "look",
    "look",
    "end",
    "end",
    "end late",
    "pause",
    "resume",
    "hand",
  ),
  by: fc.constantFrom("a", "b", "c"),
  dead: fc.subarray(["a", "b", "c"]),
  // Clocks of three processes, and one that is set: ahead, behind, back.
  nowMs: fc.integer({ min: 0, max: 30_000 }),
});

describe("the machine", () => {
  it("claims each attempt once, never goes back, stays bounded, whatever the clocks say", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(17), (steps, seed) => {
        let record: JobRecord = freshRecord(schedule.text, 0);
        const claims = new Set<string>();
        const everClaimed: Claimed[] = [];
        for (const [index, { what, by, dead, nowMs }] of steps.entries()) {
          const input = inputOf(nowMs, by, dead, seed);
          const before = record;
          const [run] = what === "end late" ? everClaimed : record.running;
          const ending = { outcome: "done", durationMs: 1, error: undefined } as const;
          const done: Step | "full" =
            what === "pause"
              ? pause(record, { by, why: "so", atMs: nowMs }, input)
              : what === "resume"
                ? resume(record, input)
                : what === "hand"
                  ? trigger(record, `hand-${index}`, input)
                  : what === "look" || run === undefined
                    ? look(record, input)
                    : end(record, run, ending, input);
          if (done === "full" || done.record === undefined) continue;
          record = done.record;
          expect(record.judgedMs).toBeGreaterThanOrEqual(before.judgedMs);
          expect(record.history.length).toBeLessThanOrEqual(20);
          for (const claimed of record.running) {
            if (before.running.includes(claimed)) continue;
            const id = `${claimed.key} ${claimed.attempt}`;
            expect(claims.has(id)).toBe(false);
            claims.add(id);
            everClaimed.push(claimed);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("lets nobody end a run but its owner", () => {
    const claimed = look(freshRecord(schedule.text, 0), inputOf(1_000, "a", [], 0)).record;
    const retried = look(claimed as JobRecord, inputOf(1_100, "b", ["a"], 0)).record;
    const [old] = claimed?.running ?? [];
    const ending = { outcome: "done", durationMs: 1, error: undefined } as const;
    const late = end(retried as JobRecord, old as Claimed, ending, inputOf(1_200, "a", [], 0));
    expect(late).toEqual({ record: undefined, declared: [] });
    expect(retried?.running).toMatchObject([{ key: old?.key, owner: "b", attempt: 2 }]);
  });
});
