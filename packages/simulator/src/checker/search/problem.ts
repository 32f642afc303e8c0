/**
 * One key's operations, made ready for the search: numbered, classified, and without those that
 * cannot matter.
 *
 * Left out are unknown operations that cannot help: an observer, whose result nobody was told,
 * and a blind write whose value nobody can have seen. Marked are *dead writes*: blind writes whose
 * value nobody can have seen, but which did happen. The search puts them right before some other
 * blind write, where they cost no decision.
 */
import type { Operation } from "../history/history.ts";
import type { Model } from "../model.ts";
import { NONE, Transitions } from "./transitions.ts";

/** What an operation may do to the state. */
export const Kind = { Mover: 0, Observer: 1, Assign: 2, DeadAssign: 3 } as const;

/** The search's input. Operations are numbered by their index. */
export interface Problem<S> {
  readonly operations: readonly Operation[];
  readonly classOf: Int32Array;
  /** By operation, one of `Kind`. */
  readonly kindOf: Uint8Array;
  /** How many have a known outcome and must be placed. */
  readonly required: number;
  readonly hasDeadWrites: boolean;
  readonly transitions: Transitions<S>;
  /**
   * Whether anything but an observer can tell that the object was in a state: only then, or for an
   * observer that waits for it, is an unknown operation worth placing that leads there.
   */
  readonly leadsOn: (stateId: number) => boolean;
  /** By operation: the one state in which it is possible, or NONE where there may be several. */
  readonly pinnedTo: Int32Array;
  /** By operation: the one state that it leads to, or NONE. Empty where one may be unknown. */
  readonly leadsTo: Int32Array;
}

/** Steps of the model that may be spent on finding out which writes are dead. */
const MAX_DEADNESS_QUESTIONS = 100_000;

/** The problem of `operations`, which are all of one object, under `model`. */
export function problemOf<S>(operations: readonly Operation[], model: Model<S>): Problem<S> {
  const transitions = new Transitions(model);
  const prepared = model.prepare?.(operations) ?? operations;
  const classes = prepared.map((operation) => transitions.classId(operation));
  const { seen, leadsOn } = statesSeen(transitions);
  const kinds = kindsOfClasses(transitions, seen);
  const kept: Operation[] = [];
  const classOf: number[] = [];
  for (const [index, operation] of prepared.entries()) {
    const classId = classes[index] as number;
    const kind = kinds[classId];
    const idle = kind === Kind.Observer || kind === Kind.DeadAssign;
    if (operation.outcome === "unknown" && idle) continue;
    kept.push(operation);
    classOf.push(classId);
  }
  const certain = classOf.every((classId) => transitions.hint(classId) !== undefined);
  const kindOf = Uint8Array.from(classOf, (classId) => kinds[classId] as number);
  return {
    operations: kept,
    classOf: Int32Array.from(classOf),
    kindOf,
    required: kept.filter(({ outcome }) => outcome === "ok").length,
    hasDeadWrites: kindOf.includes(Kind.DeadAssign),
    transitions,
    leadsOn,
    pinnedTo: Int32Array.from(classOf, (classId) => pinOf(transitions, classId)),
    leadsTo: Int32Array.from(certain ? classOf : [], (classId) => targetOf(transitions, classId)),
  };
}

function pinOf<S>(transitions: Transitions<S>, classId: number): number {
  const hint = transitions.hint(classId);
  if (hint?.kind === "move") return transitions.stateId(hint.from);
  if (hint?.kind !== "observe" || hint.in === undefined) return NONE;
  return transitions.stateId(hint.in);
}

function targetOf<S>(transitions: Transitions<S>, classId: number): number {
  const hint = transitions.hint(classId);
  if (hint?.kind === "assign") return transitions.stateId(hint.to);
  return hint?.kind === "move" ? transitions.next(transitions.stateId(hint.from), classId) : NONE;
}

/** By class. */
function kindsOfClasses<S>(
  transitions: Transitions<S>,
  seen: (stateId: number) => boolean,
): Uint8Array {
  const kinds = new Uint8Array(transitions.classCount);
  for (let classId = 0; classId < kinds.length; classId++) {
    const hint = transitions.hint(classId);
    if (hint?.kind === "observe") kinds[classId] = Kind.Observer;
    if (hint?.kind !== "assign") continue;
    kinds[classId] = seen(transitions.stateId(hint.to)) ? Kind.Assign : Kind.DeadAssign;
  }
  return kinds;
}

interface Sight {
  /** Whether any operation but a blind write is possible in the state. */
  readonly seen: (stateId: number) => boolean;
  /** The same without observers that are possible in many states. */
  readonly leadsOn: (stateId: number) => boolean;
}

function statesSeen<S>(transitions: Transitions<S>): Sight {
  const pinned = new Set<number>();
  const observers: number[] = [];
  const movers: number[] = [];
  let assigns = 0;
  for (let classId = 0; classId < transitions.classCount; classId++) {
    const hint = transitions.hint(classId);
    // An unknown observer is left out, so what it would have seen is seen by nobody.
    const unheard = transitions.operation(classId).outcome === "unknown";
    if (hint === undefined) movers.push(classId);
    else if (hint.kind === "assign") assigns += 1;
    else if (hint.kind === "move") pinned.add(transitions.stateId(hint.from));
    else if (hint.in !== undefined) pinned.add(transitions.stateId(hint.in));
    else if (!unheard) observers.push(classId);
  }
  const possible = (classes: readonly number[], stateId: number): boolean =>
    classes.some((classId) => transitions.next(stateId, classId) !== NONE);
  // Where asking would take long, every state counts as seen: more to search, the same verdict.
  const many = (observers.length + movers.length) * assigns > MAX_DEADNESS_QUESTIONS;
  return {
    seen: (stateId) =>
      many || pinned.has(stateId) || possible(movers, stateId) || possible(observers, stateId),
    // With operations of which nothing is known, a state leads wherever it likes.
    leadsOn: (stateId) => movers.length > 0 || pinned.has(stateId),
  };
}
