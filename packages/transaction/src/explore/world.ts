/**
 * One run: the real engine, in a world where everything that may go wrong is a choice.
 *
 * Processes run until each waits for time or stands at the gate. Then the first action there is a
 * choice point: it is carried out, or its process dies, or is paused, or the participant says no,
 * or the request is late. When no action waits, time jumps to the next timer. When a process dies
 * or is paused and no other runs, another starts. At the end the paused go on, and late requests
 * land, if they have not before.
 *
 * Guarantees: a run is a function of its schedule, as long as the user's functions depend on
 * nothing but what they are given.
 */
import { createMemoryStore, type MemoryStore } from "@quorate/memory";
import type { SagaModel } from "../saga/model.ts";
import type { Drain } from "./drain.ts";
import { Effects, type Ending } from "./effects.ts";
import { type LogView, readLog, startEngine } from "./engine.ts";
import { type Action, Gate, type StepCall } from "./gate.ts";
import { Landing } from "./landing.ts";
import { ExploredProcess } from "./process.ts";
import {
  type Alternative,
  type Budget,
  type Choice,
  choicesOf,
  leftOf,
  type Schedule,
} from "./schedule.ts";
import { Story, type StoryLine } from "./story.ts";
import { Timeline } from "./timeline.ts";

/** What a run is made of. */
export interface RunOptions {
  readonly model: SagaModel;
  readonly input: unknown;
  readonly budget: Budget;
  readonly schedule: Schedule | undefined;
  readonly drain: Drain;
  /** Longest virtual time in which nothing happens before the run counts as over. */
  readonly quietMs: number;
  /** How long a process that was paused is watched when the saga has ended. */
  readonly graceMs: number;
  readonly isTold: boolean;
  /** When paused processes may go on. */
  readonly returns: "at-the-end" | "anywhere";
}

/** What came of a run. */
export interface RunResult {
  readonly ending: Ending;
  /** An outcome that was announced and then changed. */
  readonly flip: string | undefined;
  /** What else could have been chosen after the schedule's last choice. */
  readonly alternatives: readonly Alternative[];
  /** Choice points that were met. */
  readonly length: number;
  readonly story: readonly StoryLine[];
}

/** The id of the explored saga. */
export const EXPLORED_ID = "explored";
/** A run with more actions than this is taken for a livelock. */
const MAX_POINTS = 5_000;

/** Runs one schedule. */
export function runSchedule(options: RunOptions): Promise<RunResult> {
  return new World(options).run();
}

class World {
  readonly #options: RunOptions;
  readonly #timeline = new Timeline();
  readonly #store: MemoryStore;
  readonly #gate = new Gate();
  readonly #processes: ExploredProcess[] = [];
  readonly #effects = new Effects();
  readonly #landing: Landing;
  readonly #story: Story;
  readonly #choices: Map<number, Choice>;
  readonly #left: Budget;
  readonly #lastPlanned: number;
  readonly #alternatives: Alternative[] = [];
  #points = 0;
  #log: LogView | undefined;
  #flip: string | undefined;
  #lastActionMs = 0;

  constructor(options: RunOptions) {
    const { schedule, budget, isTold, drain } = options;
    this.#options = options;
    this.#store = createMemoryStore({
      runtime: this.#timeline.runtimeOf(new ExploredProcess(0), "store"),
    });
    this.#story = new Story(isTold);
    this.#choices = choicesOf(schedule);
    this.#left = leftOf(budget, schedule);
    this.#lastPlanned = schedule?.at ?? -1;
    this.#landing = new Landing(drain, this.#effects);
  }

  async run(): Promise<RunResult> {
    const { drain } = this.#options;
    this.#spawn();
    for (;;) {
      await drain.turn();
      const action = this.#gate.first;
      if (action !== undefined) {
        this.#lastActionMs = this.#timeline.nowMs;
        if (this.#points >= MAX_POINTS) break;
        await this.#decide(action);
      } else if (this.#isOver || !this.#timeline.step(this.#lastActionMs + this.#options.quietMs)) {
        if (!(await this.#finale())) break;
      }
    }
    return {
      ending: this.#ending(),
      flip: this.#flip,
      alternatives: this.#alternatives,
      length: this.#points,
      story: this.#story.lines,
    };
  }

  get #isOver(): boolean {
    const isTerminal = this.#log?.state === "done" || this.#log?.state === "compensated";
    // One that was paused may have more on its mind than its next action.
    const isQuiet = this.#timeline.nowMs - this.#lastActionMs > this.#options.graceMs;
    return isTerminal && (isQuiet || this.#processes.filter(isLive).length <= 1);
  }

  #spawn(): void {
    const process = new ExploredProcess(this.#processes.length + 1);
    this.#processes.push(process);
    const runtime = this.#timeline.runtimeOf(process, process.name);
    const { model, input } = this.#options;
    if (process.number > 1) this.#tell(process.name, () => "starts in its place");
    startEngine({
      store: this.#store,
      runtime,
      process,
      gate: this.#gate,
      model,
      // Whoever asked for the saga asks again, as long as there is none.
      start: this.#log === undefined ? { id: EXPLORED_ID, input } : undefined,
    });
  }

  async #decide(action: Action): Promise<void> {
    const at = this.#points++;
    const choice = this.#choices.get(at);
    if (at > this.#lastPlanned) this.#offer(at, action);
    switch (choice?.kind) {
      case undefined:
        return this.#carryOut(action);
      case "crash":
      case "pause":
        return this.#fell(action, choice.kind);
      case "refuse":
        this.#gate.take(action);
        this.#tell(action.process.name, () => `${wordsOf(action)}: it is refused`, true);
        return this.#landing.refuse(action as StepCall);
      case "late":
        this.#gate.take(action);
        this.#tell(
          action.process.name,
          () => `${wordsOf(action)}: no answer, the request is late`,
          true,
        );
        return this.#landing.keep(action as StepCall);
      case "land":
        return this.#land(choice.request);
      case "resume":
        return this.#resume(choice.process);
    }
  }

  #offer(at: number, action: Action): void {
    const { crashes, zombies, refusals, lateRequests } = this.#left;
    const add = (choice: Choice): void => void this.#alternatives.push({ at, choice });
    if (crashes > 0) add({ kind: "crash" });
    if (zombies > 0) add({ kind: "pause" });
    if (this.#options.returns === "anywhere") {
      for (const { number } of this.#processes.filter(isPaused)) {
        add({ kind: "resume", process: number });
      }
    }
    if (action.kind === "write") return;
    const { part, step, path } = action;
    // What a pivot's participant has answered to a key it answers for good.
    const hasSaidYes = step.isPivot && this.#effects.all.get(path) === true;
    const mayRefuse = part === "run" && step.mayRefuse && !hasSaidYes;
    if (refusals > 0 && mayRefuse) add({ kind: "refuse" });
    if (lateRequests > 0 && part !== "check") add({ kind: "late" });
    // Before a write of the log nobody could tell the difference.
    for (const request of this.#landing.waiting) add({ kind: "land", request });
  }

  async #carryOut(action: Action): Promise<void> {
    this.#gate.take(action);
    const { process } = action;
    if (action.kind === "call") {
      const outcome = await this.#landing.land(action);
      this.#tell(process.name, () => `${wordsOf(action)}: ${outcome}`);
      return;
    }
    try {
      const answer = await action.perform();
      if (isApplied(answer)) this.#written(action.text, process, action.key);
      else this.#tell(process.name, () => "tries to write the log: refused, somebody else wrote");
      action.reply.resolve(answer);
    } catch (error) {
      action.reply.reject(error);
    }
  }

  #written(text: string, process: ExploredProcess, key: string): void {
    const log = readLog(key, text, EXPLORED_ID);
    if (log === undefined) {
      this.#tell(process.name, () => `writes ${key}`);
      return;
    }
    const before = this.#log;
    this.#log = log;
    const isTaken = before !== undefined && log.owner !== "" && log.owner !== before.owner;
    this.#tell(process.name, () => `${isTaken ? "takes over" : "writes the log"}: ${log.words}`);
    const wasTerminal = before?.state === "done" || before?.state === "compensated";
    if (wasTerminal && before.state !== log.state) {
      this.#flip ??= `it was ${before.state}, and is now ${log.state}`;
    }
  }

  #fell(action: Action, how: "crash" | "pause"): void {
    const { process } = action;
    if (how === "crash") {
      process.kill();
      this.#gate.forget(process);
      this.#tell(process.name, () => `crashes before it ${wordsOf(action)}`, true);
    } else {
      process.pause();
      this.#tell(process.name, () => `is paused before it ${wordsOf(action)}`, true);
    }
    if (!this.#processes.some(isLive)) this.#spawn();
  }

  async #land(request: number): Promise<void> {
    const { words, outcome } = await this.#landing.landLate(request);
    this.#tell("", () => `the late request of ${words} lands: ${outcome}`);
  }

  #resume(number: number): void {
    const process = this.#processes.find((one) => one.number === number);
    if (process?.state !== "paused") return;
    this.#lastActionMs = this.#timeline.nowMs;
    this.#tell(process.name, () => "goes on");
    process.resume();
  }

  /** What was put off happens now; false: there is nothing of it. */
  async #finale(): Promise<boolean> {
    const paused = this.#processes.find(isPaused);
    if (paused !== undefined) {
      this.#resume(paused.number);
      return true;
    }
    const [request] = this.#landing.waiting;
    if (request === undefined) return false;
    await this.#land(request);
    return true;
  }

  #ending(): Ending {
    const effects = this.#effects.all;
    const { state, stuck } = this.#log ?? { state: "none", stuck: [] };
    return { state, stuck, effects };
  }

  #tell(who: string, what: () => string, isFault = false): void {
    this.#story.tell(this.#timeline.nowMs, who, what, isFault);
  }
}

function isLive({ state }: ExploredProcess): boolean {
  return state === "live";
}

function isPaused({ state }: ExploredProcess): boolean {
  return state === "paused";
}

function isApplied(answer: unknown): boolean {
  return typeof answer === "object" && answer !== null && "ok" in answer && answer.ok === true;
}

const DOES = { run: "runs", undo: "undoes", check: "checks" } as const;

/** `runs charge`, `undoes charge (attempt 2)`. */
function wordsOf(action: Action): string {
  if (action.kind === "write") return "writes the log";
  const again = action.attempt > 1 ? ` (attempt ${action.attempt})` : "";
  return `${DOES[action.part]} ${action.path}${again}`;
}
