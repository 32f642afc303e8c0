import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Ambition,
  BEGINNING,
  type CandidateEvent,
  type CandidateState,
  next,
} from "./candidate.ts";

function after(events: readonly CandidateEvent[], ambition: Ambition = "always"): CandidateState {
  return events.reduce((state, event) => next(state, event, ambition), BEGINNING);
}

const GRANTED: CandidateEvent = { kind: "granted", term: 7 };
const READY: CandidateEvent = { kind: "ready" };
const LOST: CandidateEvent = { kind: "lost" };
const ENDED: CandidateEvent = { kind: "work-ended" };
const OVERDUE: CandidateEvent = { kind: "overdue" };
const BACK: CandidateEvent = { kind: "given-back" };
const STOP: CandidateEvent = { kind: "stopped", afterwards: "end" };
const TRANSFER: CandidateEvent = { kind: "stopped", afterwards: "campaign" };

const anyEvent: fc.Arbitrary<CandidateEvent> = fc.oneof(
  fc.constantFrom(READY, LOST, ENDED, OVERDUE, BACK, STOP, TRANSFER),
  fc.constantFrom<CandidateEvent>({ kind: "passed" }, { kind: "rested" }),
  fc.nat(9).map((term) => ({ kind: "granted", term }) as const),
  fc.boolean().map((final) => ({ kind: "failed", final }) as const),
);

describe("a candidate", () => {
  it("works, gives back, and is done when the work ends of its own will", () => {
    expect(after([GRANTED])).toEqual({ kind: "preparing", term: 7 });
    expect(after([GRANTED, READY])).toEqual({ kind: "leading", term: 7 });
    const back = { kind: "giving-back", term: 7, afterwards: "end" };
    expect(after([GRANTED, READY, ENDED])).toEqual(back);
    expect(after([GRANTED, READY, ENDED, BACK])).toEqual({ kind: "ended" });
  });

  it("campaigns again after a loss, but not before its work has ended", () => {
    const lost = [GRANTED, READY, LOST, OVERDUE, OVERDUE];
    expect(after(lost)).toMatchObject({ kind: "stepping-down", lease: "gone" });
    expect(after([...lost, ENDED, BACK])).toEqual(BEGINNING);
    expect(after([...lost, ENDED, BACK], "once")).toEqual({ kind: "ended" });
  });

  it("campaigns again when the term is lost before the work began, also for one term", () => {
    expect(after([GRANTED, LOST, BACK], "once")).toEqual(BEGINNING);
  });

  it("gives back what is held only once the work has ended", () => {
    expect(after([GRANTED, READY, STOP])).toMatchObject({ kind: "stepping-down", lease: "held" });
    expect(after([GRANTED, READY, STOP, ENDED])).toMatchObject({ kind: "giving-back" });
  });

  it("is cut off when it is to end and the work does not", () => {
    expect(after([GRANTED, READY, STOP, OVERDUE])).toEqual({ kind: "ended" });
  });

  it("waits for overdue work when it is to campaign again, without its lease", () => {
    const overdue = [GRANTED, READY, TRANSFER, OVERDUE];
    expect(after(overdue)).toMatchObject({ kind: "stepping-down", lease: "gone" });
    expect(after([...overdue, ENDED, BACK])).toEqual(BEGINNING);
    expect(after([...overdue, STOP, OVERDUE])).toEqual({ kind: "ended" });
  });

  it("gives back what comes when it has been told to stop", () => {
    expect(after([STOP, GRANTED])).toMatchObject({ kind: "giving-back", afterwards: "end" });
    expect(after([STOP, { kind: "failed", final: false }])).toEqual({ kind: "ended" });
  });

  it("rests after a failure, and counts them until it leads or lets another pass", () => {
    const failed: CandidateEvent = { kind: "failed", final: false };
    const rested: CandidateEvent = { kind: "rested" };
    expect(after([failed, rested, failed])).toEqual({ kind: "resting", failures: 2 });
    expect(after([failed, rested, { kind: "passed" }])).toEqual(BEGINNING);
    expect(after([{ kind: "failed", final: true }])).toEqual({ kind: "ended" });
  });

  it("is ended by a stop or the end of its work alone, whatever else happens", () => {
    const harmless = anyEvent.filter(
      (event) => event.kind !== "work-ended" && event.kind !== "stopped",
    );
    const events = fc.array(
      harmless.filter((event) => event.kind !== "failed" || !event.final),
      { maxLength: 30 },
    );
    fc.assert(fc.property(events, (list) => void expect(after(list).kind).not.toBe("ended")));
  });

  it("never begins a work while another runs, and never gives back under it", () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 40 }), (events) => {
        let state: CandidateState = BEGINNING;
        let works = false;
        for (const event of events) {
          // The shell tells only of an end that was: of a work that runs.
          if (event.kind === "work-ended" && !works) continue;
          const before = state;
          state = next(state, event, "always");
          if (event.kind === "work-ended") works = false;
          if (state.kind === "leading" && before.kind !== "leading") {
            expect(works).toBe(false);
            works = true;
          }
          if (state.kind === "giving-back") expect(works).toBe(false);
        }
      }),
    );
  });

  it("can always be stopped: two stops, the bound and the answers end it", () => {
    const answers: CandidateEvent[] = [STOP, { kind: "failed", final: false }, OVERDUE, BACK];
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 40 }), (events) => {
        expect(after([...events, ...answers, ...answers]).kind).toBe("ended");
      }),
    );
  });
});
