/**
 * What must be stored before what, who must be undone, and whose write counts.
 */
import type { Specimen } from "../specimen.ts";

const KERNEL = "packages/transaction/src/kernel";
const SAGA = "packages/transaction/src/saga";
const joined = "2026-11-21";
const harsh = { scenario: "saga", engine: "memory", profile: "harsh" } as const;

/** Bugs of sagas and of the kernel under them. */
export const SAGA_SPECIMENS: readonly Specimen[] = [
  {
    name: "saga-decision-stored-with-its-first-undo",
    story:
      "The decision to turn back is kept in memory and stored with the first undo, which saves a " +
      "write: a worker that dies in between has undone a step of a saga that goes on.",
    edits: [
      {
        file: `${SAGA}/run.ts`,
        find: "    return this.desk.station.apply(this.held, change, {",
        replace: `    const turned = change(before);
    if (before.state === "running" && turned.state === "compensating") {
      this.held.record = turned;
      return Promise.resolve();
    }
    return this.desk.station.apply(this.held, change, {`,
      },
    ],
    foundBy: { ...harsh, seeds: 60 },
    joined,
  },
  {
    name: "saga-refused-step-not-undone",
    story:
      "A step that was refused did nothing, so it is not undone: a copy of its call that was " +
      "still on its way is taken, and nobody gives it back.",
    edits: [
      {
        file: `${SAGA}/parts.ts`,
        find: 'step.outcome === "skipped") return false;\n  return step.undo',
        replace:
          'step.outcome === "skipped" || step.outcome === "refused") return false;\n' +
          "  return step.undo",
      },
    ],
    foundBy: { ...harsh, seeds: 20 },
    joined,
  },
  {
    name: "saga-doubtful-step-not-undone",
    story: "Only what answered is undone: a step whose answer never came may have happened.",
    edits: [
      {
        file: `${SAGA}/parts.ts`,
        find: 'step.outcome === "skipped") return false;\n  return step.undo',
        replace:
          'step.outcome === "skipped" || step.outcome === "unknown") return false;\n' +
          "  return step.undo",
      },
    ],
    foundBy: { ...harsh, seeds: 40 },
    joined,
  },
  {
    name: "saga-cancel-forgets-the-step-at-hand",
    story: "A cancel turns the saga back as it is stored, and the step that is running is not yet.",
    edits: [
      {
        file: `${SAGA}/moves.ts`,
        find: "  if (before?.outcome !== undefined) return undefined;",
        replace:
          '  if (before?.outcome !== undefined || input.kind === "cancel") return undefined;',
      },
    ],
    foundBy: { ...harsh, seeds: 60 },
    joined,
  },
  {
    name: "saga-log-not-fenced",
    story:
      "A worker writes its log without saying which revision it follows: after a pause it goes " +
      "on with a saga that another has taken over, and turned.",
    edits: [
      {
        file: `${KERNEL}/record-store.ts`,
        find: "      expect: held.revision,",
        replace: "      expect: undefined as never,",
      },
    ],
    foundBy: { ...harsh, seeds: 60 },
    joined,
  },
  {
    name: "saga-conflict-taken-for-a-lost-reply",
    story:
      "Whatever stands where a write was to go is taken for that write, whose reply was lost: it " +
      "may be an operator's cancel, or the next owner's decision.",
    edits: [
      {
        file: `${KERNEL}/settled-put.ts`,
        find: "if (put.ok || put.current?.operationId !== operationId) return put;",
        replace: "if (put.ok || put.current === undefined) return put;",
      },
    ],
    foundBy: { ...harsh, seeds: 60 },
    joined,
  },
  {
    name: "saga-unanswered-undo-counts",
    story:
      "An undo is sent once: one that failed, or was never answered, counts as one that ended, " +
      "and nobody undoes what it had not got to.",
    edits: [
      {
        file: `${SAGA}/undo-step.ts`,
        find: '  if (answer.kind === "done") return run.report({ kind: "undone", step: name });',
        replace:
          '  if (answer.kind !== "refused") return run.report({ kind: "undone", step: name });',
      },
    ],
    foundBy: { ...harsh, seeds: 10 },
    joined,
  },
  {
    name: "saga-end-rewritten",
    story: "A cancel that comes after the end turns the saga all the same: somebody was told.",
    edits: [
      {
        file: `${SAGA}/machine.ts`,
        find: '  done: { ...ENDED, sealed: "seal" },',
        replace: '  done: { ...ENDED, sealed: "seal", cancel: "decide" },',
      },
    ],
    foundBy: { ...harsh, seeds: 10 },
    joined,
  },
  {
    name: "saga-undone-first-to-last",
    story: "Steps are undone in the order in which they were done.",
    edits: [
      {
        file: `${SAGA}/plan.ts`,
        find: "  for (let index = model.stages.length - 1; index >= 0; index -= 1) {",
        replace: "  for (let index = 0; index < model.stages.length; index += 1) {",
      },
    ],
    foundBy: { ...harsh, seeds: 5 },
    joined,
  },
  {
    name: "saga-orphans-left",
    story:
      "An owner that no watch has told gone counts as alive: sagas of a worker that died unseen " +
      "are nobody's.",
    edits: [
      {
        file: `${KERNEL}/recovery.ts`,
        find: "    const leftMs = await this.#options.lease.leftMs(owner, signal);",
        replace: "    const leftMs = Infinity;",
      },
    ],
    foundBy: { ...harsh, seeds: 20 },
    joined,
  },
];
