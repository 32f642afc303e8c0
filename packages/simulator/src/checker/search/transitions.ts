/**
 * The model as a table: states and operations get small numbers, and equal questions are asked of
 * the model once.
 *
 * Operations with equal function, key, argument, result and outcome are one *class*: no model can
 * tell them apart. States are told apart by their identity text.
 */
import { invalidArgument } from "@quorate/core";
import { jsonText } from "../json-text.ts";
import type { Hint, Model, ModelOperation } from "../model.ts";
import { StepTable } from "./step-table.ts";

/** No such step. */
export const NONE = -1;

const UNASKED = -2;

/** States and classes of one problem, and the steps between them. */
export class Transitions<S> {
  readonly #model: Model<S>;
  readonly #states: S[] = [];
  readonly #stateIds = new Map<string, number>();
  readonly #classes: ModelOperation[] = [];
  readonly #classIds = new Map<string, number>();
  readonly #hints: (Hint<S> | undefined)[] = [];
  readonly #next = new StepTable();

  constructor(model: Model<S>) {
    this.#model = model;
    this.stateId(model.initial); // The initial state is number 0.
  }

  /** Number of the class that `operation` belongs to. */
  classId(operation: ModelOperation): number {
    const { f, key, argument, result, outcome } = operation;
    const text = jsonText([f, key, argument, result, outcome]);
    const known = this.#classIds.get(text);
    if (known !== undefined) return known;
    const id = this.#classes.length;
    const seen: ModelOperation = { f, key, argument, result, outcome };
    this.#classIds.set(text, id);
    this.#classes.push(seen);
    this.#hints.push(this.#model.hint?.(seen));
    return id;
  }

  /** Number of `state`. */
  stateId(state: S): number {
    const text = this.#model.identify?.(state) ?? jsonText(state);
    const known = this.#stateIds.get(text);
    if (known !== undefined) return known;
    const id = this.#states.length;
    this.#stateIds.set(text, id);
    this.#states.push(state);
    return id;
  }

  /** What the model promises of `classId`. */
  hint(classId: number): Hint<S> | undefined {
    return this.#hints[classId];
  }

  /** An operation of `classId`, as the model sees it. */
  operation(classId: number): ModelOperation {
    return this.#classes[classId] as ModelOperation;
  }

  /** The state with this number. */
  state(stateId: number): S {
    return this.#states[stateId] as S;
  }

  /** How many classes there are. */
  get classCount(): number {
    return this.#classes.length;
  }

  /** The state after an operation of `classId` in `stateId`, or NONE. */
  next(stateId: number, classId: number): number {
    const known = this.#next.get(stateId, classId, UNASKED);
    if (known !== UNASKED) return known;
    const asked = this.#ask(stateId, classId);
    this.#next.set(stateId, classId, asked);
    return asked;
  }

  #ask(stateId: number, classId: number): number {
    const step = this.#model.step(this.state(stateId), this.operation(classId));
    const after = step.ok ? this.stateId(step.state) : NONE;
    this.#judgeHint(stateId, classId, after);
    return after;
  }

  /** A broken promise would make wrong verdicts in silence. */
  #judgeHint(stateId: number, classId: number, after: number): void {
    const hint = this.hint(classId);
    if (hint === undefined) return;
    const kept =
      hint.kind === "assign"
        ? after === this.stateId(hint.to)
        : after === NONE ||
          (hint.kind === "observe"
            ? after === stateId && (hint.in === undefined || stateId === this.stateId(hint.in))
            : stateId === this.stateId(hint.from));
    if (kept) return;
    const { f, argument, result } = this.operation(classId);
    const what = `${f} ${jsonText(argument)} → ${jsonText(result)}`;
    throw invalidArgument("model", what, `true to its hint "${hint.kind}" in every state`);
  }
}
