/**
 * Is there an order of these operations, true to real time, that the model allows?
 *
 * Wing and Gong's search ("Testing and Verifying Concurrent Objects", 1993) with Lowe's memo
 * ("Testing for Linearizability", 2017): place one operation after another, each among those that
 * were called before the first return left; where none fits, take the last one back. A
 * configuration (set placed, state) is tried once. What keeps the tree small:
 *
 * - *observers at once*: an operation that never changes the state is placed as soon as it is
 *   possible, and nothing else is tried in its stead. Moving it to the front of any order that
 *   works leaves an order that works.
 * - *equals by urgency*: of operations that no model can tell apart only the one that returns
 *   first is tried; two of them can always be swapped.
 * - *idle unknowns*: an unknown operation that would change nothing is not placed; it need not be.
 *   Nor is one that leads to a state which nobody can tell, unless an observer waits that it lets
 *   through: without one the next step is a blind write, which overwrites it unseen.
 * - *no way back*: a state that some operation left needs, and none left leads to, is not left;
 *   see `prospects.ts`.
 * - *dead writes*: see `problem.ts`. Whenever a blind write is placed, every dead one that is
 *   possible goes right before it.
 * - *most urgent first*: the order of trying; decides nothing but how soon an answer is found.
 *
 * Can be stopped and resumed, so that many keys get small budgets before one gets a large one.
 */

import { Memo } from "./memo.ts";
import { Kind, type Problem } from "./problem.ts";
import { Prospects } from "./prospects.ts";
import { Timeline } from "./timeline.ts";
import { NONE } from "./transitions.ts";
import { hashKeys } from "./zobrist.ts";

/** How far a search has come. */
export type Progress = "legal" | "illegal" | "unfinished";

/** An order found so far. */
export interface Placement {
  /** Operations by index into the problem's, in the order of placing. */
  readonly order: readonly number[];
  readonly stateId: number;
}

/** One decision: what was tried, and what is left to try. */
interface Frame {
  /** Candidates of this frame lie in `#candidates` from here to the next frame's. */
  readonly from: number;
  at: number;
  /** How many operations were placed before this frame's choice. */
  readonly placedBefore: number;
  readonly stateId: number;
}

/** The search of one problem. */
export class Search<S> {
  readonly #problem: Problem<S>;
  readonly #timeline: Timeline;
  readonly #prospects: Prospects<S> | undefined;
  readonly #memo = new Memo();
  readonly #low: Int32Array;
  readonly #high: Int32Array;
  readonly #frames: Frame[] = [];
  readonly #candidates: number[] = [];
  readonly #placed: number[] = [];
  #stateId = 0;
  #hashLow = 0;
  #hashHigh = 0;
  #left: number;
  #deepest: Placement & { readonly left: number };
  #steps = 0;

  /**
   * `seed` chooses the hash: two searches with two seeds do not err together. One that is
   * `patient` does not see a dead end from afar but walks into it: slower, and a better story.
   */
  constructor(problem: Problem<S>, seed: number, patient = false) {
    this.#problem = problem;
    this.#prospects = patient ? undefined : new Prospects(problem);
    this.#timeline = new Timeline(problem.operations);
    const random = hashKeys(seed);
    this.#low = Int32Array.from(problem.operations, random);
    this.#high = Int32Array.from(problem.operations, random);
    this.#left = problem.required;
    this.#deepest = { order: [], stateId: 0, left: problem.required + 1 };
    this.#enter();
  }

  /** Operations placed so far, those taken back included: what a budget counts. */
  get steps(): number {
    return this.#steps;
  }

  /** The order found, if legal; else the one that got furthest. */
  get best(): Placement {
    if (this.#left === 0) return { order: this.#placed, stateId: this.#stateId };
    return this.#deepest;
  }

  /** Goes on for about `steps` more steps. */
  advance(steps: number): Progress {
    const limit = this.#steps + steps;
    while (this.#left > 0) {
      if (this.#steps >= limit) return "unfinished";
      const frame = this.#frames.at(-1);
      if (frame === undefined) return "illegal";
      if (frame.at < this.#candidates.length) this.#try(frame);
      else this.#leave(frame);
    }
    return "legal";
  }

  #try(frame: Frame): void {
    const candidate = this.#candidates[frame.at] as number;
    frame.at += 1;
    const { classOf, kindOf, transitions, hasDeadWrites } = this.#problem;
    const after = transitions.next(frame.stateId, classOf[candidate] as number);
    if (this.#prospects?.mayLeave(frame.stateId, candidate, after) === false) return;
    if (hasDeadWrites && (kindOf[candidate] as number) >= Kind.Assign) this.#placeDead(candidate);
    this.#stateId = after;
    this.#place(candidate);
    this.#enter();
  }

  /** Opens a decision at the present configuration, unless it was tried before. */
  #enter(): void {
    const from = this.#candidates.length;
    this.#survey(from);
    const placedBefore = this.#placed.length;
    this.#frames.push({ from, at: from, placedBefore, stateId: this.#stateId });
    const isNew = this.#memo.add(this.#hashLow, this.#hashHigh, this.#stateId);
    if (!isNew) this.#candidates.length = from;
    else if (this.#left < this.#deepest.left) this.#noteIfStuck(from);
  }

  /** Places observers that are possible, and lists what else is, most urgent first. */
  #survey(from: number): void {
    const timeline = this.#timeline;
    const { classOf, kindOf, operations, transitions, leadsOn } = this.#problem;
    const waiting: number[] = [];
    const doubtful: number[] = [];
    for (let entry = timeline.first(); ; entry = timeline.after(entry)) {
      const operation = timeline.called(entry);
      if (operation < 0) break;
      const after = transitions.next(this.#stateId, classOf[operation] as number);
      const observes = kindOf[operation] === Kind.Observer;
      if (after === NONE) {
        if (observes) waiting.push(operation);
      } else if (observes) {
        // A lifted entry leads to where it led when it was lifted; its neighbour knows better.
        entry = timeline.before(entry);
        this.#place(operation);
      } else if (operations[operation]?.outcome === "ok") this.#list(operation, from);
      else if (after !== this.#stateId) {
        if (leadsOn(after)) this.#list(operation, from);
        else doubtful.push(operation);
      }
    }
    for (const operation of doubtful) {
      const after = transitions.next(this.#stateId, classOf[operation] as number);
      const helps = (other: number): boolean =>
        transitions.next(after, classOf[other] as number) !== NONE;
      if (waiting.some(helps)) this.#list(operation, from);
    }
  }

  /** Puts a candidate where its urgency belongs, unless its equal is there and more urgent. */
  #list(operation: number, from: number): void {
    const candidates = this.#candidates;
    const timeline = this.#timeline;
    const classId = this.#problem.classOf[operation];
    const urgency = timeline.urgency(operation);
    for (let at = from; at < candidates.length; at++) {
      const other = candidates[at] as number;
      if (this.#problem.classOf[other] !== classId) continue;
      if (timeline.urgency(other) <= urgency) return;
      candidates.splice(at, 1);
      break;
    }
    let slot = candidates.length;
    while (slot > from && timeline.urgency(candidates[slot - 1] as number) > urgency) slot -= 1;
    candidates.splice(slot, 0, operation);
  }

  #placeDead(except: number): void {
    const timeline = this.#timeline;
    const { kindOf } = this.#problem;
    for (let entry = timeline.first(); ; entry = timeline.after(entry)) {
      const operation = timeline.called(entry);
      if (operation < 0) return;
      if (kindOf[operation] !== Kind.DeadAssign || operation === except) continue;
      entry = timeline.before(entry);
      this.#place(operation);
    }
  }

  #place(operation: number): void {
    this.#steps += 1;
    this.#timeline.lift(operation);
    this.#placed.push(operation);
    this.#toggle(operation);
    this.#prospects?.count(operation, -1);
    if (this.#problem.operations[operation]?.outcome === "ok") this.#left -= 1;
  }

  /** Takes back all of the last frame's and the choice that led to it. */
  #leave(frame: Frame): void {
    this.#candidates.length = frame.from;
    this.#frames.pop();
    const parent = this.#frames.at(-1);
    if (parent === undefined) return;
    while (this.#placed.length > parent.placedBefore) {
      const operation = this.#placed.pop() as number;
      this.#timeline.putBack(operation);
      this.#toggle(operation);
      this.#prospects?.count(operation, 1);
      if (this.#problem.operations[operation]?.outcome === "ok") this.#left += 1;
    }
  }

  #toggle(operation: number): void {
    this.#hashLow ^= this.#low[operation] as number;
    this.#hashHigh ^= this.#high[operation] as number;
  }

  /** Remembers a dead end that is deeper than all before: the best explanation so far. */
  #noteIfStuck(from: number): void {
    if (this.#candidates.length > from) return;
    this.#deepest = { order: [...this.#placed], stateId: this.#stateId, left: this.#left };
  }
}
