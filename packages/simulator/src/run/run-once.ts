/**
 * One run: a seed and a plan in, a verdict out, the same each time.
 *
 * First the safety phase: for `durationMs` of virtual time the plan's faults happen, and every
 * claim of `always` must hold after every event. Then everything heals, and in the liveness phase
 * what must hold eventually has to come to hold in its time. At the end the recorded histories are
 * judged, and the work that was done is compared with the least that was asked: a run in which
 * nothing happened proves nothing.
 *
 * Runs in one macrotask of the real event loop, which stands still meanwhile.
 */
import { nonNegative, positive, systemRuntime } from "@quorate/core";
import { detectDrain, type Drained, type DrainMode, runDrained } from "../kernel/drain.ts";
import type { FaultPlan } from "../kernel/faults.ts";
import { beginGuard, endGuard, type GlobalsMode, installGuard } from "../kernel/guard.ts";
import { captureUncaught, openResources, watchResources, withoutStacks } from "../kernel/host.ts";
import { Kernel, type Violation } from "../kernel/kernel.ts";
import { type SeedLike } from "../kernel/seed.ts";
import { type TraceEntry, TraceLog, Witness } from "../kernel/witness.ts";
import { judge, type HistoryVerdict } from "./judge.ts";
import { offerNetworkFaults } from "./network-faults.ts";
import { drawPlan } from "./plan.ts";
import { type Profile, profileOf, type ProfileName } from "./profiles.ts";
import { NOTHING_REAL, openedResources, outsideMessage, stuckProcesses } from "./stuck.ts";
import { type Check, World } from "./world.ts";

/** What a run is made of, but for its seed. */
export interface RunOptions {
  /** Declares processes, stores and claims. Called once per run. */
  readonly world: (sim: World) => void;
  /** Virtual time during which things go wrong. */
  readonly durationMs: number;
  /** How hard the world is. @default "calm" */
  readonly profile?: ProfileName | Profile;
  /** Least number of each mark in a run; less is a violation. */
  readonly atLeast?: Readonly<Record<string, number>>;
  /** What real clocks, timers and dice do during the run. @default "refuse" */
  readonly globals?: GlobalsMode;
  /** How promises are settled between events. @default found out by a self-test */
  readonly drain?: DrainMode;
}

/** A run to be made. */
export interface RunOnceOptions extends RunOptions {
  readonly seed: SeedLike;
  /** What goes wrong. @default drawn from the seed by the profile */
  readonly plan?: FaultPlan;
  /**
   * Whether every real resource that the run opens is found and laid to the process that did:
   * three times slower, and the surest net against what the guard cannot catch. @default false
   */
  readonly watch?: boolean;
  /** Lines of trace to keep; 0: none. @default 0 */
  readonly traceLines?: number;
}

/** What a run came to. */
export interface RunResult {
  /** In hexadecimal. */
  readonly seed: string;
  readonly plan: FaultPlan;
  /** The first thing found wrong; missing: nothing was. */
  readonly violation?: Violation;
  /** The run's fingerprint: equal for equal seed, plan and code. */
  readonly hash: string;
  readonly events: number;
  readonly simulatedMs: number;
  /** Real time that it took. */
  readonly elapsedMs: number;
  /** How often each fault, event, mark and rare path happened. */
  readonly counts: ReadonlyMap<string, number>;
  readonly histories: readonly HistoryVerdict[];
  /** The last lines, oldest first; empty unless asked for. */
  readonly trace: readonly TraceEntry[];
}

/** One run at a time in a thread: the guard, and the drain, belong to all of it. */
let queue: Promise<unknown> = Promise.resolve();

/** Makes one run. Rejects if the run could not be made; what it finds is in the result. */
export function runOnce(options: RunOnceOptions): Promise<RunResult> {
  positive("durationMs", options.durationMs);
  nonNegative("traceLines", options.traceLines ?? 0);
  const profile = profileOf(options.profile ?? "calm");
  const result = queue.then(async () => {
    const mode = options.drain ?? (await detectDrain());
    const run = new Run({ ...options, drain: mode }, profile);
    const restoreGuard = installGuard();
    try {
      await runDrained(mode, run);
    } finally {
      endGuard();
      restoreGuard();
    }
    return run.result();
  });
  queue = result.catch(() => undefined);
  return result;
}

class Run implements Drained {
  readonly kernel: Kernel;
  readonly #options: RunOnceOptions;
  readonly #profile: Profile;
  readonly #world: World;
  readonly #trace: TraceLog | undefined;
  #plan: FaultPlan = [];
  #phase: "safety" | "liveness" = "safety";
  #untilUs: number;
  #healedMs = 0;
  #startedMs = 0;
  #histories: readonly HistoryVerdict[] = [];
  #resources: ReadonlyMap<string, number> = new Map();
  readonly #releases: (() => void)[] = [];

  constructor(options: RunOnceOptions, profile: Profile) {
    const { traceLines = 0 } = options;
    this.#trace = traceLines > 0 ? new TraceLog(traceLines) : undefined;
    this.kernel = new Kernel({ seed: options.seed, witness: new Witness(this.#trace) });
    this.#world = new World(this.kernel);
    this.#options = options;
    this.#profile = profile;
    this.#untilUs = Math.ceil(options.durationMs * 1_000);
  }

  begin(): void {
    this.#resources = openResources();
    this.#startedMs = systemRuntime.time.monotonicMs();
    const uncaught = captureUncaught((kind, reason) => {
      const claim = kind === "unhandledRejection" ? "no unhandled rejection" : "no uncaught error";
      this.#violateBy(claim, reason);
    });
    this.#releases.push(uncaught);
    if (this.#options.watch === true) {
      const stop = watchResources((kind) => this.#escaped(kind));
      this.#releases.push(stop);
    }
    if (this.#trace === undefined) this.#releases.push(withoutStacks());
    beginGuard(this.kernel, this.#options.globals ?? "refuse");
    offerNetworkFaults(this.kernel);
    this.#options.world(this.#world);
    const { faults } = this.kernel;
    const { durationMs } = this.#options;
    const chance = this.kernel.stream("plan");
    this.#plan = this.#options.plan ?? drawPlan(this.#profile, faults.offers, durationMs, chance);
    faults.schedule(this.#plan);
  }

  step(): boolean {
    const { kernel } = this;
    kernel.scheduler.leave();
    for (const { name, check } of this.#world.declared.always) this.#hold(name, check);
    if (kernel.violation !== undefined) return false;
    if (this.#phase === "liveness" && this.#isAllWell()) return false;
    if (kernel.violation !== undefined) return false;
    try {
      const step = kernel.scheduler.step(this.#untilUs);
      if (step === "ran") return true;
      if (step === "idle") return this.#nextPhase();
      kernel.violate("time goes on", `too many events at ${kernel.nowMs} ms: a livelock`);
    } catch (error) {
      this.#violateBy("no uncaught error", error);
    }
    return false;
  }

  end(): void {
    for (const release of this.#releases.splice(0)) release();
    endGuard();
    this.kernel.scheduler.leave();
    // Where each event has a macrotask of its own, resources of others come and go in between.
    if (this.#options.drain === "synchronous") {
      openedResources(this.kernel, this.#resources, openResources());
    }
  }

  /** Judges, once the run has ended. Throws what a model throws that cannot read its history. */
  result(): RunResult {
    const { kernel } = this;
    if (kernel.violation === undefined) this.#judge();
    const { violation } = kernel;
    return {
      seed: kernel.seed.text,
      plan: this.#plan,
      ...(violation === undefined ? {} : { violation }),
      hash: kernel.digest(),
      events: kernel.scheduler.executed,
      simulatedMs: kernel.nowMs,
      elapsedMs: systemRuntime.time.monotonicMs() - this.#startedMs,
      counts: kernel.witness.counts,
      histories: this.#histories,
      trace: this.#trace?.entries ?? [],
    };
  }

  /** True while there is more to run. */
  #nextPhase(): boolean {
    const { later } = this.#world.declared;
    if (this.#phase === "safety") {
      this.#phase = "liveness";
      this.kernel.heal();
      if (later.length === 0) return false;
      this.#healedMs = this.kernel.nowMs;
      for (const { withinMs } of later) {
        // An event at each deadline, so that it is looked at then and not after.
        this.kernel.scheduler.schedule(withinMs * 1_000, undefined, "heal", () => {});
        this.#untilUs = Math.max(this.#untilUs, (this.#healedMs + withinMs) * 1_000);
      }
      return true;
    }
    return false;
  }

  /** Whether all that must come to hold has come to hold; what is late is a violation. */
  #isAllWell(): boolean {
    const { later } = this.#world.declared;
    for (const claim of later) {
      if (claim.isMet) continue;
      const said = attempt(claim.check);
      claim.isMet = said === true;
      if (claim.isMet || this.kernel.nowMs < this.#healedMs + claim.withinMs) continue;
      const why = typeof said === "string" ? `: ${said}` : "";
      const late = `not ${claim.withinMs} ms after everything healed${why}`;
      this.kernel.violate(claim.name, late);
    }
    return later.every(({ isMet }) => isMet);
  }

  #hold(name: string, check: Check): void {
    const said = attempt(check);
    if (said === false) this.kernel.violate(name, "does not hold");
    else if (typeof said === "string") this.kernel.violate(name, said);
  }

  #judge(): void {
    const { kernel } = this;
    const { inhabitants, histories } = this.#world.declared;
    for (const [name, least] of Object.entries(this.#options.atLeast ?? {})) {
      const count = this.#world.count(name);
      if (count >= least) continue;
      const stuck = stuckProcesses(kernel, inhabitants);
      const why = stuck === "" ? "" : `; ${stuck}`;
      kernel.violate("enough work", `"${name}" happened ${count} times of ${least}${why}`);
    }
    const stuck = stuckProcesses(kernel, inhabitants);
    if (stuck !== "") kernel.violate("no process is stuck", stuck);
    this.#histories = histories.map((history) => judge(history, kernel));
  }

  /** Something was begun that virtual time cannot wait for. */
  #escaped(kind: string): void {
    const { current } = this.kernel.scheduler;
    if (current === undefined) return;
    this.kernel.violate(NOTHING_REAL, outsideMessage(current.name, [kind]));
  }

  #violateBy(claim: string, reason: unknown): void {
    const who = this.kernel.scheduler.current?.name ?? "the world";
    const text = reason instanceof Error ? reason.message : String(reason);
    this.kernel.violate(claim, `${who}: ${text}`, reason);
  }
}

/** What a check says; what it throws is why it does not hold. */
function attempt(check: Check): unknown {
  try {
    const said = check() as unknown;
    // Else it would always hold: a promise is not false.
    return said instanceof Promise ? "the check is async: it must answer at once" : said;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
