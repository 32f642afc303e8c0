/**
 * The breaker as a guard: the shell that hands the machine time, outcomes and the fleet's verdict.
 *
 * A closed breaker that nobody holds costs a few comparisons on the way in, and one reading of the
 * clock on the way out.
 */
import { invalidArgument, type Ms, QuorateError, type Runtime } from "@quorate/core";
import { systemRuntime } from "@quorate/core";

import type { BreakerState } from "./breaker-events.ts";
import { FleetSeat, stateOf } from "./breaker-fleet.ts";
import { BreakerMachine, type PhaseKind, type Transition } from "./breaker-machine.ts";
import { type BreakerOptions, type BreakerSettings, readOptions } from "./breaker-options.ts";
import { Probe, type ProbeJudge, TimedPermit } from "./breaker-probe.ts";
import { type BreakerSnapshot, readSnapshot } from "./breaker-snapshot.ts";
import { BreakerVoice } from "./breaker-voice.ts";
import { type Classify, classifyError, type Outcome, type Verdict } from "./classify.ts";
import { deadlinesOf } from "./deadlines.ts";
import { reportFailure } from "./emitter.ts";
import type { FleetVerdict, LocalEvidence, Tally } from "./fleet.ts";
import type { Guard, Permit } from "./layer.ts";
import type { LiveCall } from "./live-call.ts";
import { isRejection } from "./rejection.ts";

/** What overrules the machine. */
type Hold = "isolated" | "forced-closed" | "disposed";

/** A breaker's guard. */
export class BreakerGuard implements Guard, LocalEvidence, ProbeJudge {
  readonly kind = "guard";
  readonly rank = "breaker";
  readonly runtime: Runtime;
  readonly name: string;
  /** Outcomes that said nothing of the dependency. */
  ignored = 0;
  readonly #settings: BreakerSettings;
  readonly #machine: BreakerMachine;
  readonly #classify: Classify | undefined;
  readonly #seat: FleetSeat | undefined;
  /** Most breakers never have anything to say. */
  #voice: BreakerVoice | undefined = undefined;
  #hold: Hold | undefined = undefined;
  #isolations = 0;
  #forcings = 0;
  /** Probes whose deadlines are running. */
  #probes: Probe[] | undefined = undefined;
  /** What the fleet's last verdict made of the state. */
  #fleetState: "open" | "half-open" | "ramping" | undefined = undefined;
  #left: Promise<void> | undefined = undefined;

  constructor(options: BreakerOptions) {
    const { window, settings } = readOptions(options);
    this.runtime = options.runtime ?? systemRuntime;
    this.name = options.name ?? "breaker";
    this.#settings = settings;
    this.#machine = new BreakerMachine(settings, window, this.runtime.random);
    this.#classify = options.classify;
    const fleet = options.share?.(this.name, this);
    this.#seat = fleet === undefined ? undefined : new FleetSeat(fleet, settings.probes);
  }

  get voice(): BreakerVoice {
    return (this.#voice ??= new BreakerVoice(this.name, this.runtime));
  }

  enter(): Permit {
    const machine = this.#machine;
    if (machine.isClosed && this.#hold === undefined && this.#seat?.verdict === undefined) {
      if (this.#settings.trip.slowOverMs === Infinity) return machine.epoch;
      return new TimedPermit(machine.epoch, this.#nowMs());
    }
    return this.#enterWatched();
  }

  succeed(permit: Permit, call: LiveCall, value: unknown): void {
    if (typeof permit === "number" && this.#classify === undefined) {
      const nowMs = this.#machine.needsTime ? this.#nowMs() : 0; // Half the cost of it all.
      return this.#record(permit, false, false, nowMs);
    }
    if (permit !== undefined) this.#judge(permit as Counted, call, { ok: true, value });
  }

  fail(permit: Permit, call: LiveCall, error: unknown): void {
    if (permit !== undefined) this.#judge(permit as Counted, call, { ok: false, error });
  }

  cancel(permit: Permit): void {
    if (permit !== undefined) this.#giveBack(permit as Counted);
  }

  /** A probe hangs. It counts as failed; what comes of it later is stale. */
  probeExpired(probe: Probe): void {
    this.#forgetProbe(probe);
    if (probe.fleetEpoch !== undefined) this.#seat?.probed(probe.fleetEpoch, false);
    else this.#record(probe.epoch, true, false, this.#nowMs());
  }

  tally(nowMs: Ms): Tally {
    return this.#machine.tally(nowMs);
  }

  get localState(): PhaseKind | "isolated" {
    return this.#hold === "isolated" ? "isolated" : this.#machine.kindAt(this.#nowMs());
  }

  verdictChanged(): void {
    const verdict = this.#seat?.verdict;
    const from = this.#fleetState;
    const to = stateOf(verdict);
    this.#fleetState = to;
    if (to === from || this.#hold === "disposed") return;
    this.#dropProbes((probe) => probe.fleetEpoch !== undefined);
    // One outage, one recovery: what this instance held open by itself it lets go with the others.
    // Also where it is closed: faults from before would be taken for a new outage.
    if (to === "ramping") this.#tell(this.#machine.reset("fleet"));
    const nowMs = this.#nowMs();
    this.voice.changed({
      from: from ?? this.#machine.kindAt(nowMs),
      to: to ?? this.#machine.kindAt(nowMs),
      reason: "fleet",
      scope: "fleet",
      forMs: spanOf(verdict),
      tally: this.#machine.tally(nowMs),
    });
  }

  get state(): BreakerState {
    if (this.#hold !== undefined) return this.#hold;
    const own = this.#machine.kindAt(this.#nowMs());
    const fleet = stateOf(this.#seat?.verdict);
    if (fleet === undefined) return own;
    return fleet === "ramping" && own !== "closed" ? own : fleet;
  }

  /** Takes hold of it, until the returned function is called. */
  hold(how: "isolated" | "forced-closed"): () => void {
    this.#checkAlive();
    this.#change(how, 1);
    let isHeld = true;
    return () => {
      if (isHeld && this.#hold !== "disposed") this.#change(how, -1);
      isHeld = false;
    };
  }

  trip(): void {
    this.#checkAlive();
    this.#tell(this.#machine.trip(this.#nowMs()));
  }

  reset(): void {
    this.#checkAlive();
    this.#tell(this.#machine.reset("by-hand"));
  }

  snapshot(): BreakerSnapshot {
    return { version: 1, ...this.#machine.save(this.#nowMs()) };
  }

  restore(snapshot: BreakerSnapshot): void {
    this.#checkAlive();
    const record = readSnapshot(snapshot, this.#settings);
    this.#tell(this.#machine.restore(record, this.#nowMs()));
  }

  dispose(): Promise<void> {
    if (this.#left === undefined) {
      this.#hold = "disposed";
      this.voice.fallSilent();
      this.#machine.reset("by-hand"); // Calls under way are of an older epoch now.
      this.#dropProbes(() => true);
      this.#left = this.#seat?.close() ?? Promise.resolve();
    }
    return this.#left;
  }

  #nowMs(): Ms {
    return this.runtime.time.monotonicMs();
  }

  /** Somebody holds it, the fleet has a verdict, or the machine is not closed. */
  #enterWatched(): Permit {
    if (this.#hold === "forced-closed") return undefined; // Runs, and is not counted.
    if (this.#hold === "isolated") throw this.voice.reject("isolated", undefined);
    this.#checkAlive();
    const nowMs = this.#nowMs();
    const verdict = this.#seat?.verdict;
    if (verdict !== undefined) {
      const permit = this.#askFleet(verdict, nowMs);
      if (permit !== undefined) return permit;
    }
    const machine = this.#machine;
    this.#tell(machine.tick(nowMs));
    if (!machine.admit(nowMs)) {
      const kind = machine.kind as Exclude<PhaseKind, "closed">;
      throw this.voice.reject(kind, machine.retryAfterMs(nowMs) ?? this.#probesLeftMs(nowMs));
    }
    if (machine.kind === "half-open") return this.#probe(nowMs, undefined);
    const { epoch } = machine;
    return this.#settings.trip.slowOverMs === Infinity ? epoch : new TimedPermit(epoch, nowMs);
  }

  /** A permit for the fleet's trial; undefined: the fleet does not mind. */
  #askFleet(verdict: FleetVerdict, nowMs: Ms): Permit {
    const seat = this.#seat as FleetSeat;
    const chance = verdict.kind === "ramping" ? this.runtime.random.next() : 0;
    const answer = seat.ask(verdict, nowMs, chance);
    if (answer.kind === "go") return undefined;
    if (answer.kind === "probe") return this.#probe(nowMs, answer.epoch);
    throw this.voice.reject(answer.state, answer.retryAfterMs ?? this.#probesLeftMs(nowMs));
  }

  #probe(nowMs: Ms, fleetEpoch: number | undefined): Probe {
    const probe = new Probe(this, this.#machine.epoch, nowMs, fleetEpoch);
    (this.#probes ??= []).push(probe);
    deadlinesOf(this.runtime).add(probe, nowMs + this.#settings.probes.timeoutMs, nowMs);
    return probe;
  }

  /**
   * When to ask again while probes are under way. They usually end long before they must: whoever
   * was told the latest time would wait for a dependency that is long back. So a part of the time
   * that it was open, by lot, lest all come at once.
   */
  #probesLeftMs(nowMs: Ms): Ms | undefined {
    let untilMs = 0;
    for (const probe of this.#probes ?? []) untilMs = Math.max(untilMs, probe.wakeMs);
    if (untilMs <= nowMs) return undefined;
    const waitMs = Math.min(untilMs - nowMs, this.#settings.reset.afterMs);
    return Math.ceil(waitMs * (0.5 + 0.5 * this.runtime.random.next()));
  }

  #forgetProbe(probe: Probe): void {
    probe.isOver = true;
    deadlinesOf(this.runtime).remove(probe);
    const at = this.#probes?.indexOf(probe) ?? -1;
    if (at !== -1) this.#probes?.splice(at, 1);
  }

  #dropProbes(which: (probe: Probe) => boolean): void {
    for (const probe of this.#probes?.filter(which) ?? []) this.#forgetProbe(probe);
  }

  #judge(permit: Counted, call: LiveCall, outcome: Outcome): void {
    const verdict = this.#verdictOn(outcome, call);
    if (verdict === "ignore") {
      this.ignored += 1;
      return this.#giveBack(permit);
    }
    if (typeof permit === "number")
      return this.#record(permit, verdict === "fault", false, this.#nowMs());
    const nowMs = this.#nowMs();
    const isSlow = nowMs - permit.startMs >= this.#settings.trip.slowOverMs;
    if (!(permit instanceof Probe))
      return this.#record(permit.epoch, verdict === "fault", isSlow, nowMs);
    if (permit.isOver) return this.voice.stale(this.state);
    this.#forgetProbe(permit);
    if (permit.fleetEpoch === undefined)
      this.#record(permit.epoch, verdict === "fault", isSlow, nowMs);
    else if (this.#seat?.probed(permit.fleetEpoch, verdict === "ok" && !isSlow) !== true) {
      this.voice.stale(this.state);
    }
  }

  /** Counts an outcome, if the state that let the call in still stands. */
  #record(epoch: number, isFault: boolean, isSlow: boolean, nowMs: Ms): void {
    if (epoch !== this.#machine.epoch) return this.voice.stale(this.state);
    const transition = this.#machine.record(isFault, isSlow, nowMs);
    if (transition !== undefined) this.#tell(transition);
    else if (isFault || isSlow) this.#seat?.stir();
  }

  #giveBack(permit: Counted): void {
    if (!(permit instanceof Probe) || permit.isOver) return;
    this.#forgetProbe(permit);
    if (permit.fleetEpoch !== undefined) this.#seat?.giveBack(permit.fleetEpoch);
    else this.#machine.giveBack(); // Not over, so its trial still stands.
  }

  /** What the outcome says of the dependency. Whatever the caller's classifier does, an answer. */
  #verdictOn(outcome: Outcome, call: LiveCall): Verdict {
    try {
      if (!outcome.ok && (call.isCancelled || isRejection(outcome.error))) return "ignore";
      const said = this.#classify?.(outcome, call);
      if (said === "ok" || said === "fault" || said === "ignore") return said;
      if (this.#classify !== undefined) {
        throw invalidArgument("classify's answer", said, "ok, fault or ignore");
      }
    } catch (error) {
      reportFailure(this.runtime, "classify", error);
    }
    try {
      return outcome.ok ? "ok" : classifyError(outcome.error, call);
    } catch {
      return "fault"; // A thrown proxy may answer every question by throwing.
    }
  }

  #tell(transition: Transition | undefined): void {
    if (transition === undefined) return;
    this.#dropProbes((probe) => probe.fleetEpoch === undefined); // Of a trial that is over.
    this.#seat?.stir();
    if (transition.from !== transition.to) this.voice.changed({ ...transition, scope: "local" });
  }

  #change(how: "isolated" | "forced-closed", by: 1 | -1): void {
    const from = this.state;
    if (how === "isolated") this.#isolations += by;
    else this.#forcings += by;
    this.#hold = this.#forcings > 0 ? "forced-closed" : undefined;
    if (this.#isolations > 0) this.#hold = "isolated";
    const to = this.state;
    if (from === to) return;
    const tally = this.#machine.tally(this.#nowMs());
    const told = { from, to, reason: "by-hand", scope: "local", forMs: undefined, tally } as const;
    this.voice.changed(told, by === -1);
    this.#seat?.stir();
  }

  #checkAlive(): void {
    if (this.#hold !== "disposed") return;
    const what = `breaker "${this.name}"`;
    throw new QuorateError("CLOSED", `${what} was disposed of`, {
      effect: "none",
      details: { what },
    });
  }
}

/** Permits whose outcome counts. */
type Counted = number | TimedPermit | Probe;

/** Until the next change that time brings. */
function spanOf(verdict: FleetVerdict | undefined): Ms | undefined {
  if (verdict?.kind === "open" && verdict.retryAfterMs !== Infinity) return verdict.retryAfterMs;
  return verdict?.kind === "ramping" ? verdict.rampMs : undefined;
}
