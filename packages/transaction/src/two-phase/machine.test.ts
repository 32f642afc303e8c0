import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  COORDINATOR,
  coordinate,
  count,
  type Incident,
  PARTICIPANT,
  participate,
  type Stage,
  type Vote,
} from "./machine.ts";

const STAGES = Object.keys(COORDINATOR) as Stage[];
const INCIDENTS = Object.keys(COORDINATOR.preparing) as Incident[];

describe("the coordinator", () => {
  it("writes committed over preparing only, and only when all said yes", () => {
    const commits = STAGES.flatMap((stage) =>
      INCIDENTS.filter((incident) => coordinate(stage, incident) === "write-committed").map(
        (incident) => `${stage}: ${incident}`,
      ),
    );
    expect(commits).toEqual(["preparing: all-yes"]);
  });

  it("never changes a decision", () => {
    for (const incident of INCIDENTS) {
      expect(["commit", "write-ended"]).toContain(coordinate("committed", incident));
      expect(["abort", "write-ended"]).toContain(coordinate("aborted", incident));
      expect(coordinate("ended-committed", incident)).toBe("commit");
      expect(coordinate("ended-aborted", incident)).toBe("abort");
    }
  });

  it("presumes that what has no record has aborted", () => {
    for (const incident of INCIDENTS) expect(coordinate("absent", incident)).toBe("abort");
  });

  it("waits, while nothing is decided, only for those who ask in time", () => {
    const waits = INCIDENTS.filter((incident) => coordinate("preparing", incident) === "wait");
    expect(waits).toEqual(["asked", "all-acked"]);
  });
});

describe("a participant", () => {
  it("is bound by its yes, and can be told twice", () => {
    expect(participate("prepared", "commit")).toBe("commit");
    expect(participate("prepared", "abort")).toBe("roll-back");
    expect(participate("nothing", "commit")).toBe("done");
    expect(participate("nothing", "abort")).toBe("done");
  });

  it("never commits what did not vote", () => {
    expect(participate("working", "commit")).toBe("refuse");
    expect(Object.keys(PARTICIPANT)).toEqual(["nothing", "working", "prepared"]);
  });
});

describe("votes", () => {
  it("come to a commit only without a no", () => {
    const vote = fc.constantFrom<Vote>("yes", "no", "read-only");
    fc.assert(
      fc.property(fc.array(vote, { maxLength: 8 }), (votes) => {
        const expected = votes.includes("no")
          ? "a-no"
          : votes.includes("yes")
            ? "all-yes"
            : "all-read-only";
        expect(count(votes)).toBe(expected);
      }),
    );
  });
});
