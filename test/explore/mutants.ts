/**
 * The ways in which sagas are wrong elsewhere, built into ours: what the explorer must catch.
 *
 * Some are a matter of the participants or of a step's options, the others are edits of the real
 * engine, made in a bundle in memory: files on disk are never touched.
 */
import type { ExploreOptions } from "@quorate/transaction/explore";

import type { Edit } from "../zoo/specimen.ts";
import type { ReferenceOptions } from "./reference.ts";

/** One way to be wrong, or the right one. */
export interface Variant {
  readonly key: string;
  /** What is done, and who does it. */
  readonly story: string;
  /** Whether some schedule must break it. */
  readonly isWrong: boolean;
  readonly options: ReferenceOptions;
  readonly edits: readonly Edit[];
}

const PARTS = "packages/transaction/src/saga/parts.ts";
const RUN = "packages/transaction/src/saga/run.ts";
const SETTLED_PUT = "packages/transaction/src/kernel/settled-put.ts";

/** Ours, and seven that are not. */
export const VARIANTS: readonly Variant[] = [
  { key: "ours", story: "as the guide has it", isWrong: false, options: {}, edits: [] },
  {
    key: "A",
    story: "no retry of an unknown outcome",
    isWrong: false,
    options: { attempts: 1 },
    edits: [],
  },
  {
    key: "B",
    story: "a refused step is not undone",
    isWrong: true,
    options: {},
    edits: [
      {
        file: PARTS,
        find: `step.outcome === "skipped") return false;`,
        replace: `step.outcome === "skipped" || step.outcome === "refused") return false;`,
      },
    ],
  },
  {
    key: "C",
    story: "only what returned is undone",
    isWrong: true,
    options: { attempts: 1 },
    edits: [
      {
        file: PARTS,
        find: `step.outcome === "skipped") return false;`,
        replace: `step.outcome !== "done") return false;`,
      },
    ],
  },
  {
    key: "D",
    story: "no durable decision: after a crash it runs forward again",
    isWrong: true,
    options: {},
    edits: [
      {
        file: RUN,
        find: "    return this.desk.station.apply(this.held, change, {",
        replace: `    const next = change(before);
    if (next.state === "compensating") {
      this.held.record = next;
      return this.#written(report, before) ?? Promise.resolve();
    }
    return this.desk.station.apply(this.held, change, {`,
      },
    ],
  },
  {
    key: "E",
    story: "participants without tombstones",
    isWrong: true,
    options: { tombstones: false },
    edits: [],
  },
  {
    key: "F",
    story: "participants that are not idempotent",
    isWrong: true,
    options: { idempotent: false },
    edits: [],
  },
  {
    key: "G",
    story: "the log is not fenced",
    isWrong: true,
    options: {},
    edits: [
      {
        file: SETTLED_PUT,
        find: "ttlMs === undefined ? { expect, operationId } : { expect, operationId, ttlMs };",
        replace: `expect === "absent" ? { expect, operationId } : { operationId };`,
      },
    ],
  },
];

/** A budget, and what it is called in the table. */
export interface Column {
  readonly title: string;
  readonly budget: ExploreOptions;
  /** Too large for a unit test. */
  readonly isWhole?: boolean;
}

const none = { crashes: 0, lateRequests: 0, zombies: 0, refusals: 0 };

/** One fault of a kind each, with the refusal that makes a saga turn; and all together. */
export const COLUMNS: readonly Column[] = [
  { title: "late 1, no refusal", budget: { ...none, lateRequests: 1 } },
  { title: "crash 1, refusal 1", budget: { ...none, crashes: 1, refusals: 1 } },
  { title: "late 1, refusal 1", budget: { ...none, lateRequests: 1, refusals: 1 } },
  { title: "zombie 1, refusal 1", budget: { ...none, zombies: 1, refusals: 1 } },
  { title: "crash 1, late 1, zombie 1, refusal 1", budget: {}, isWhole: true },
];

/** All there is: minutes. */
export const FULL: Column = {
  title: "crash 2, late 1, zombie 1, refusal 2",
  isWhole: true,
  budget: { crashes: 2, lateRequests: 1, zombies: 1, refusals: 2 },
};
