/**
 * The points at which a worker can die: between any two operations of a saga.
 *
 * An operation is a write of the record or a call of a participant. A worker that dies after the
 * first n of them has done those, and its saga knows nothing of the last one's answer. So the
 * points of a path are the lengths of its beginnings, and there are no others that the store or a
 * participant could tell apart.
 */

/** A way through a saga, and its operations in order. */
export interface Path {
  readonly name: string;
  /** Whether ship is the pivot. */
  readonly pivot: boolean;
  /** The step that is refused; empty: none. */
  readonly refuses: string;
  readonly end: "done" | "compensated";
  readonly operations: readonly string[];
}

const FORWARD = ["put", "reserve/do", "put", "charge/do", "put", "ship/do", "put"];
const BACK = ["charge/undo", "put", "reserve/undo", "put"];

/** All ways through a saga of reserve, charge and ship that a refusal at ship makes. */
export const PATHS: readonly Path[] = [
  { name: "shipped", pivot: true, refuses: "", end: "done", operations: FORWARD },
  {
    name: "refused",
    pivot: false,
    refuses: "ship",
    end: "compensated",
    operations: [...FORWARD, "ship/undo", "put", ...BACK],
  },
  {
    name: "refused-pivot",
    pivot: true,
    refuses: "ship",
    end: "compensated",
    operations: [...FORWARD, ...BACK],
  },
];

/** The demanded cases that are points of a refused saga; 4 is the same point as 3. */
export const CASES: readonly (readonly [number, string])[] = [
  [0, "1: before it is created"],
  [1, "2: created, no step begun"],
  [2, "3, 4: an effect applied, its reply lost"],
  [3, "5: after the write of a step"],
  [6, "6: refused, the decision not written"],
  [7, "7: decided, no undo begun"],
  [8, "8: undone, its reply lost"],
  [9, "9: between two undos"],
  [12, "10: all undone, the end not written"],
  [13, "11: ended, the reply of the last write lost"],
];

/** One saga that meets its fate. */
export interface Doomed {
  readonly id: string;
  readonly path: Path;
  /** Operations that its first worker does. */
  readonly after: number;
  /** Operations that its second worker does, the takeover included; `undefined`: it lives. */
  readonly thenAfter: number | undefined;
}

/** Operations of a worker that takes over where the first had done `after`. */
export function remaining({ operations }: Path, after: number): string[] {
  // Nothing is there to be taken over, or nothing is left to do.
  if (after === 0 || after >= operations.length) return [];
  // A call without a written answer is made again.
  const isCall = operations[after - 1] !== "put";
  return ["put", ...operations.slice(isCall ? after - 1 : after)];
}

/** A saga for each point of each path. */
export function singles(): Doomed[] {
  return PATHS.flatMap((path) =>
    points(path).map((after) => ({
      id: `${path.name}-${after}`,
      path,
      after,
      thenAfter: undefined,
    })),
  );
}

/** A saga for each point, and each point of the worker that takes it over. */
export function pairs(): Doomed[] {
  return PATHS.flatMap((path) =>
    points(path).flatMap((after) =>
      remaining(path, after).map((_, index) => ({
        id: `${path.name}-${after}-${index + 1}`,
        path,
        after,
        thenAfter: index + 1,
      })),
    ),
  );
}

function points({ operations }: Path): number[] {
  return Array.from({ length: operations.length + 1 }, (_, after) => after);
}
