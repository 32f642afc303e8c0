/**
 * One saga while this process drives it.
 *
 * A loop: ask the plan what is next, do it, store what came of it. Everything that counts is in the
 * record; what is kept here can be made again from it by any other process.
 *
 * Guarantees: no undo begins before its decision is stored; no attempt begins when the worker's
 * lease is over by this process's clocks, or when it closes; one write per report, and a report
 * that changes nothing is not written.
 */
import { deferred, type Deferred, isQuorateError, type Json, type Ms } from "@quorate/core";
import type { DriveContext, Held } from "../kernel/contract.ts";
import { ApartValues, refsOf } from "./apart.ts";
import type { Attempt } from "./attempt.ts";
import { sealChildren } from "./children.ts";
import { hasNothingLeft, isForgettable, type Outputs, type SagaDesk } from "./desk.ts";
import { doParts } from "./do-parts.ts";
import { runStep } from "./do-step.ts";
import type { InHand } from "./in-hand.ts";
import type { Report } from "./inputs.ts";
import { advance } from "./machine.ts";
import type { SagaModel, StepModel } from "./model.ts";
import { partsLeft, stageIndex } from "./parts.ts";
import { type Plan, planOf } from "./plan.ts";
import type { Payload, SagaRecord } from "./record.ts";
import { cut } from "./record.ts";
import { tell } from "./tell.ts";
import { isUnstorable } from "./payloads.ts";
import { Waits } from "./waits.ts";

const NONE: readonly never[] = [];

/** A saga in hand. */
export class SagaRun implements InHand {
  readonly desk: SagaDesk;
  readonly model: SagaModel;
  readonly held: Held<SagaRecord>;
  readonly out: Outputs = Object.create(null) as Outputs;
  /** As the schema made it. */
  input: unknown;
  /** This process has driven it as far as it could. */
  isOver = false;
  context: DriveContext | undefined;
  /** The parts of which nobody knows whether they had begun when this process took the saga. */
  #stale: readonly string[] = NONE;
  /** Those under way: one, or as many as a stage has branches. */
  #attempts: readonly Attempt[] = NONE;
  /** Most sagas never wait. */
  #waits: Waits | undefined;
  readonly #isFresh: boolean;
  /** Several parts are under way: their writes wait for each other. */
  #isParallel = false;
  #tail: Promise<unknown> = Promise.resolve();
  #finished: Deferred<SagaRecord> | undefined;
  /** Where there are values apart from the record. */
  #values: ApartValues | undefined;
  #isLost = false;

  /** `fresh`: made by this process just now, with this input. */
  constructor(
    desk: SagaDesk,
    model: SagaModel,
    held: Held<SagaRecord>,
    fresh?: { readonly input: unknown },
  ) {
    this.desk = desk;
    this.model = model;
    this.held = held;
    this.input = fresh?.input;
    this.#isFresh = fresh !== undefined;
  }

  get record(): SagaRecord {
    return this.held.record;
  }

  /** Wall time. */
  get nowMs(): Ms {
    return this.desk.backend.runtime.time.wallMs();
  }

  /** Settles with the record when this process has driven it as far as it could. */
  get finished(): Promise<SagaRecord> {
    if (this.isOver) return Promise.resolve(this.record);
    return (this.#finished ??= deferred()).promise;
  }

  /** Whether anything new may begin. */
  isLive(): boolean {
    const { context } = this;
    if (context === undefined || this.#isLost) return false;
    return !context.isClosing() && context.isHeld();
  }

  /** Drives. `over` is told of the end, before the promise. */
  async drive(context: DriveContext, over: (id: string) => void): Promise<void> {
    this.context = context;
    try {
      const keeping = this.#keepValues();
      if (keeping !== undefined) await keeping;
      if (!this.#isFresh && !(await this.#resume())) return;
      while (!hasNothingLeft(this.record) && this.isLive()) {
        const plan = this.#plan();
        const only = this.#onlyStep(plan);
        // The usual next thing, without a detour.
        if (only !== undefined) await runStep(this, only);
        else if (!(await this.#follow(plan))) break;
      }
    } finally {
      this.isOver = true;
      over(this.held.id);
      this.#finished?.resolve(this.record);
    }
  }

  /** Somebody else wrote the record: look at it, and heed it. */
  async heed(): Promise<void> {
    try {
      const stored = await this.desk.station.read(this.held.id);
      if (stored === undefined || stored.revision <= this.held.revision || this.isOver) return;
      const { owner, fence } = stored.record;
      if (owner !== this.record.owner || fence !== this.record.fence) return this.lose();
      this.held.record = stored.record;
      this.held.revision = stored.revision;
      this.#heedRecord();
    } catch {
      // The next write meets it.
    }
  }

  /** It is another's now: the lease is lost, or cut by a closing, or somebody took it over. */
  lose(): void {
    this.#isLost = true;
    const reason = this.context?.signal.reason ?? new Error("the saga was taken over");
    for (const attempt of this.#attempts) attempt.lose(reason);
    this.wake();
  }

  /** Ends waits: something may have changed. */
  wake(): void {
    this.#waits?.wake();
  }

  /** For `ms`, or until something may have changed. */
  async pause(ms: Ms): Promise<void> {
    if (ms > 0 && this.isLive()) await this.#waiting().pause(ms);
  }

  leftMs(key: string, notBeforeMs: Ms | undefined, boundMs: Ms): Ms {
    return notBeforeMs === undefined ? 0 : this.#waiting().leftMs(key, notBeforeMs, boundMs);
  }

  /** A signal that aborts at the next wake, for waits on others. */
  wakeSignal(): { readonly signal: AbortSignal; readonly detach: () => void } {
    return this.#waiting().signal();
  }

  #waiting(): Waits {
    const { alarms, backend } = this.desk;
    return (this.#waits ??= new Waits(backend.runtime.time, alarms));
  }

  /** Whether `name` may have begun before this process took the saga. */
  isStale(name: string): boolean {
    return this.#stale.includes(name);
  }

  track(attempt: Attempt): void {
    this.#attempts = this.#attempts.length === 0 ? [attempt] : [...this.#attempts, attempt];
  }

  untrack(attempt: Attempt): void {
    const isOnly = this.#attempts.length === 1 && this.#attempts[0] === attempt;
    this.#attempts = isOnly ? NONE : this.#attempts.filter((one) => one !== attempt);
  }

  /** What later steps see of `name`. */
  learn(name: string, value: Json | undefined): void {
    if (value !== undefined) this.out[name] = value;
  }

  /** Stores what came of something. One write at a time. */
  report(report: Report): Promise<void> {
    if (!this.#isParallel) return this.#write(report);
    const written = this.#tail.then(() => this.#write(report));
    this.#tail = written.catch(() => {});
    return written;
  }

  #write(report: Report): Promise<void> {
    const before = this.held.record;
    const change = (record: SagaRecord): SagaRecord => this.#after(record, report);
    if (this.#values !== undefined && isForgettable(change(before))) {
      return this.#values.letGo(this.context?.signal).then(() => this.#apply(report, change));
    }
    return this.#apply(report, change);
  }

  #apply(report: Report, change: (record: SagaRecord) => SagaRecord): Promise<void> {
    const before = this.held.record;
    return this.desk.station.apply(this.held, change, {
      onStored: () => this.#written(report, before),
    });
  }

  #written(report: Report, before: SagaRecord): Promise<void> | undefined {
    const { record } = this;
    if (record === before) return undefined;
    const keeping = this.#keepValues();
    if (keeping !== undefined) return keeping.then(() => this.#tell(report, before, record));
    this.#tell(report, before, record);
    return undefined;
  }

  #tell(report: Report, before: SagaRecord, record: SagaRecord): void {
    if (record.state !== before.state) this.#heedRecord();
    tell(this.desk.events, this.held.id, report, before, record);
  }

  /** The record after `report`; where that was the last of all steps, with its result and end. */
  #after(record: SagaRecord, report: Report): SagaRecord {
    const { nowMs } = this;
    const after = advance(record, report, this.model, nowMs).record;
    const next = after.takeovers === 0 || after === record ? after : { ...after, takeovers: 0 };
    if (report.kind !== "done" || next.state !== "running") return next;
    if (stageIndex(next, this.model) < this.model.stages.length || !this.#knowsAll(next))
      return next;
    const result = this.#resultText();
    const payload = result === undefined ? undefined : this.desk.payloads.inline(result.text);
    // What cannot be made or does not fit is the business of the next turn of the loop.
    if (result === undefined || (result.text !== "" && payload === undefined)) return next;
    const finish = { kind: "finish", result: result.text === "" ? undefined : payload } as const;
    return advance(next, finish, this.model, nowMs).record;
  }

  #knowsAll(record: SagaRecord): boolean {
    const { names, records } = record.steps;
    for (let place = 0; place < names.length; place += 1) {
      if (records[place]?.output !== undefined && !this.#knows(names[place] as string))
        return false;
    }
    return true;
  }

  /** Whether the output of `name`, which has one, is at hand. */
  #knows(name: string): boolean {
    return this.out[name] !== undefined;
  }

  /** `text` is empty for no result; `undefined`: it could not be made. */
  #resultText(): { readonly text: string } | undefined {
    try {
      return { text: this.#makeResult() };
    } catch {
      return undefined;
    }
  }

  #makeResult(): string {
    const context = { input: this.input, out: this.out } as never;
    return this.desk.payloads.encode(this.model.returns(context), `${this.held.id}/result`) ?? "";
  }

  /** Takes up what another process left. False: it cannot go on. */
  async #resume(): Promise<boolean> {
    const { record, desk } = this;
    if (record.takeovers > desk.maxTakeovers && record.stuck.size === 0) {
      const reason = `${record.takeovers} takeovers without progress: it may kill its workers`;
      await this.report({ kind: "unfit", what: "takeovers", reason });
      return false;
    }
    const left = partsLeft(record, this.model.stages[stageIndex(record, this.model)]);
    this.#stale = left.map(({ name }) => name);
    const problem = await this.#load();
    if (problem === undefined) return true;
    await this.report({ kind: "unfit", what: "input", reason: problem });
    return false;
  }

  /** What the record refers to is there for as long as it needs it. */
  #keepValues(): Promise<void> | undefined {
    const refs = refsOf(this.record);
    if (refs.length === 0 || isForgettable(this.record)) return undefined;
    this.#values ??= new ApartValues(this.desk.payloads);
    return this.#values.keep(refs, this.context?.signal);
  }

  /** Reads the input and the outputs. What is wrong with them, if anything. */
  async #load(): Promise<string | undefined> {
    const { payloads } = this.desk;
    try {
      const parsed = await this.model.parse(await payloads.read(this.record.input));
      if (!parsed.ok) return cut(`the stored input does not fit the schema: ${parsed.issues}`);
      this.input = parsed.value;
      await this.#loadOutputs();
      return undefined;
    } catch (error) {
      if (isQuorateError(error) && error.code !== "RECORD_INVALID") throw error;
      return isQuorateError(error) ? cut(error.message) : "the schema threw";
    }
  }

  async #loadOutputs(): Promise<void> {
    for (const [name, { output }] of this.record.steps) {
      if (output === undefined || this.#knows(name)) continue;
      this.learn(name, await this.desk.payloads.read(output));
    }
  }

  #plan(): Plan {
    // The clock is read for those that have a deadline.
    const nowMs = this.record.deadlineAtMs === undefined ? 0 : this.nowMs;
    return planOf(this.record, this.model, nowMs);
  }

  /** The step that `plan` is all about, where what it may look at is at hand. */
  #onlyStep(plan: Plan): StepModel | undefined {
    if (plan.kind !== "run" || plan.parts.length !== 1 || !this.#knowsAll(this.record)) {
      return undefined;
    }
    const [part] = plan.parts;
    this.#isParallel = false;
    return part?.kind === "step" ? part : undefined;
  }

  /** Does what is next. False: nothing is. */
  async #follow(plan: Plan): Promise<boolean> {
    if (plan.kind === "run" || plan.kind === "undo") {
      // An operator may have told the output of a step.
      if (!this.#knowsAll(this.record)) await this.#loadOutputs();
      this.#isParallel = plan.parts.length > 1;
      await doParts(this, plan.kind, plan.parts);
      return true;
    }
    this.#isParallel = false;
    if (plan.kind === "decide-deadline") await this.report({ kind: "deadline" });
    else if (plan.kind === "finish") await this.#finish();
    else if (plan.kind === "seal") {
      if (await sealChildren(this)) await this.report({ kind: "sealed" });
    } else return false;
    return true;
  }

  /** The result, where it did not come with the last step's write. */
  async #finish(): Promise<void> {
    await this.#loadOutputs();
    let result: Payload | undefined;
    try {
      const text = this.#makeResult();
      if (text !== "") result = await this.store(text);
    } catch (error) {
      if (isQuorateError(error) && !isUnstorable(error)) throw error;
      const reason = error instanceof Error ? `${error.name}: ${error.message}` : "it threw";
      return this.report({ kind: "unfit", what: "returns", reason: cut(reason) });
    }
    return this.report({ kind: "finish", result });
  }

  /** Text as a payload, apart if it is long. @throws TOO_LARGE, or as the store when it is lost. */
  store(text: string): Payload | Promise<Payload> {
    const { payloads } = this.desk;
    return payloads.inline(text) ?? payloads.store(text, this.held.id, this.context?.signal);
  }

  /** Attempts under way are told when there is no way forward any more, or no need for them. */
  #heedRecord(): void {
    this.wake();
    const { state, steps } = this.record;
    for (const attempt of this.#attempts) {
      const step = steps.get(attempt.step);
      const isForward = attempt.isForward && state === "running";
      const isNeeded = isForward
        ? step?.outcome === undefined
        : state === "compensating" && step?.undo?.isDone !== true;
      if (!isNeeded) attempt.lose(new Error("the saga no longer needs it"));
      else if (attempt.isForward !== (state === "running")) {
        attempt.abort(new Error("the saga compensates"));
      }
    }
  }
}
