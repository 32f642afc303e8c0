/**
 * Who may try after the cancel, who must be cancelled, and who may decide.
 */
import type { Specimen } from "../specimen.ts";

const BARRIER = "packages/transaction/src/barrier/machine.ts";
const CREATE = "packages/transaction/src/tcc/create-tcc.ts";
const RECORD = "packages/transaction/src/tcc/record.ts";
const TRIAL = "packages/transaction/src/tcc/trial.ts";
const joined = "2026-11-21";

/** Bugs of TCC and of its participants' barriers. */
export const TCC: readonly Specimen[] = [
  {
    name: "empty-cancel-fails",
    story:
      "The cancel of a try that never arrived is an error: it is repeated for ever, and the " +
      "transaction never ends.",
    edits: [{ file: BARRIER, find: '    none: "bury",', replace: '    none: "early",' }],
    foundBy: { scenario: "tcc", engine: "memory", profile: "harsh", seeds: 20 },
    joined,
  },
  {
    name: "tombstone-deleted-on-contact",
    story:
      "A late try is refused, and its tombstone cleaned away since it has served: the " +
      "second late " +
      "copy reserves, and nobody gives it back.",
    edits: [
      {
        file: "packages/transaction/src/barrier/marks.ts",
        find: '    const why = action === "again" ? "conflict" : action;',
        replace: `    const why = action === "again" ? "conflict" : action;
    if (why === "hanging") (marks as Map<string, Mark>).delete(branch);`,
      },
    ],
    foundBy: { scenario: "tcc", engine: "memory", profile: "harsh", seeds: 30 },
    joined,
  },
  {
    name: "branch-registered-after-its-try",
    story:
      "The try is sent, and its branch registered when it has answered: a coordinator " +
      "that dies in " +
      "between, or is not answered, leaves a reservation that nobody knows of.",
    edits: [
      {
        file: TRIAL,
        find: "    await raceAbort(this.#register(call), this.signal);",
        replace: `    const early = await this.#try(call);
    await raceAbort(this.#register(call), this.signal);`,
      },
      {
        file: TRIAL,
        find: "    const result = await this.#try(call);",
        replace: "    const result = early;",
      },
    ],
    foundBy: { scenario: "tcc", engine: "memory", profile: "harsh", seeds: 10 },
    joined,
  },
  {
    name: "cancels-only-what-answered",
    story:
      "The cancel goes to the branches whose try was answered: one whose answer was lost, " +
      "or that " +
      "arrives late, keeps its reservation for ever.",
    edits: [
      {
        file: TRIAL,
        find: ": cancelling(record, reason),",
        replace: `: cancelling(
            {
              ...record,
              branches: record.branches.filter(({ name }) => this.#branches.get(name) === "tried"),
            },
            reason,
          ),`,
      },
    ],
    foundBy: { scenario: "tcc", engine: "memory", profile: "harsh", seeds: 10 },
    joined,
  },
  {
    name: "decision-written-over",
    story:
      "The confirm is written on top of whatever is there: a participant that asked past the " +
      "deadline was told to cancel, and its neighbour confirms.",
    edits: [
      {
        file: RECORD,
        find: `export function confirming(record: TccRecord, result: Json | undefined): TccRecord {
  if (record.state !== "trying") return record;`,
        replace:
          "export function confirming(record: TccRecord, result: Json | undefined): TccRecord {",
      },
    ],
    foundBy: { scenario: "tcc", engine: "memory", profile: "jumpy", seeds: 40 },
    joined,
  },
  {
    name: "presumes-what-is-undecided",
    story:
      "Whoever asks about an undecided transaction is told that it is cancelled, and nothing is " +
      "written: it is confirmed a moment later.",
    edits: [
      {
        file: CREATE,
        find: 'if (move === "wait") return "pending";',
        replace: 'if (move === "wait") return "cancel";',
      },
    ],
    foundBy: { scenario: "tcc", engine: "memory", profile: "calm", seeds: 5 },
    joined,
  },
  {
    name: "takeover-goes-forward",
    story:
      "Who takes an undecided transaction over confirms it, as all its branches are known: those " +
      "that were refused, never tried, or never begun are not.",
    edits: [
      {
        file: CREATE,
        find: "(record) => cancelling(record, GONE));",
        replace: "(record) => ({ ...cancelling(record, GONE), state: 'confirming' as const }));",
      },
    ],
    foundBy: { scenario: "tcc", engine: "memory", profile: "harsh", seeds: 10 },
    joined,
  },
  {
    name: "undo-of-the-doubtful-is-empty",
    story:
      "A cancel that finds a try which never said how it ended takes it for one that never was: " +
      "what it did at the other side stays done.",
    edits: [
      {
        file: BARRIER,
        find: `told so.
    trying: "again",`,
        replace: `told so.
    trying: "bury",`,
      },
    ],
    foundBy: { scenario: "tcc", engine: "memory", profile: "harsh", seeds: 20 },
    joined,
  },
];
