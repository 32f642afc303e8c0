/**
 * The prober: one instance at a time finds out whether the dependency is back.
 *
 * When the fleet has been open for long enough, an instance that has calls asks the store for the
 * probe lease, at a moment drawn by lot. With the lease it writes itself into the record, lets its
 * breaker probe, and writes what came of it; each write names the record that it goes over. An
 * idle instance never asks: it would hold the lease and learn nothing.
 *
 *     resting ─asked─▶ waiting ─lot─▶ claiming ─granted─▶ starting ─written─▶ probing
 *        ▲                                                                       │
 *        └──────── lapsed, overtaken, or written ◀── reporting ◀── probed ───────┘
 *
 * Guarantees: it acts only within its lease, as its own clocks tell it; a record of a greater token
 * ends it; of two who believe they may start, the one with the greater token does.
 */
import type { FencingToken, LeaseWindow, Ms, Revision } from "@quorate/core";

import { leaseLeft, type Moment } from "./moment.ts";
import type { Standing } from "./standing.ts";

/** The lease in hand. */
export interface ProbeGrant extends LeaseWindow {
  readonly fencingToken: FencingToken;
}

type Stage =
  | { readonly kind: "resting" }
  | { readonly kind: "waiting"; readonly atMs: Ms }
  | { readonly kind: "claiming"; readonly epoch: Revision }
  | { readonly kind: "starting"; readonly grant: ProbeGrant }
  | { readonly kind: "probing"; readonly grant: ProbeGrant; readonly epoch: Revision }
  | { readonly kind: "reporting"; readonly grant: ProbeGrant; readonly hasPassed: boolean };

/** What the prober wants done. */
export type ProbeWish =
  | { readonly kind: "claim" }
  | { readonly kind: "release" }
  | { readonly kind: "start"; readonly token: FencingToken }
  | { readonly kind: "report"; readonly hasPassed: boolean };

const RESTING: Stage = { kind: "resting" };
/** Spreads claims over the instances that could make them. */
const SPREAD_MS_PER_INSTANCE = 10;

/** One instance's part in finding out. */
export class Prober {
  readonly #standing: Standing;
  readonly #publishMs: Ms;
  #stage: Stage = RESTING;

  constructor(standing: Standing, publishMs: Ms) {
    this.#standing = standing;
    this.#publishMs = publishMs;
  }

  /** The lease under which this instance probes, in `epoch`. */
  get probing(): { readonly grant: ProbeGrant; readonly epoch: Revision } | undefined {
    return this.#stage.kind === "probing" ? this.#stage : undefined;
  }

  /** When to be asked again. */
  get wakeMs(): Ms {
    const stage = this.#stage;
    if (stage.kind === "waiting") return stage.atMs;
    return "grant" in stage ? stage.grant.validUntilMs : Infinity;
  }

  /** Whether a call at `nowMs` makes it ask for the lease. */
  isDue(nowMs: Ms): boolean {
    if (this.#stage !== RESTING || nowMs < this.#standing.dueMs) return false;
    const { kind } = this.#standing.state;
    return kind === "open" || kind === "probing";
  }

  /** A call came, and was turned away. */
  asked({ nowMs, chance }: Moment): void {
    if (!this.isDue(nowMs)) return;
    const spreadMs = this.#standing.instances * SPREAD_MS_PER_INSTANCE;
    this.#stage = { kind: "waiting", atMs: nowMs + chance * Math.min(this.#publishMs, spreadMs) };
  }

  /** What to do at `moment`. */
  wish(moment: Moment): ProbeWish | undefined {
    const stage = this.#stage;
    if (stage.kind === "waiting") {
      if (stage.atMs > moment.nowMs) return undefined;
      this.#stage = { kind: "claiming", epoch: this.#standing.epoch };
      return { kind: "claim" };
    }
    if (!("grant" in stage)) return undefined;
    if (leaseLeft(stage.grant, moment) <= 0) return this.#end();
    if (stage.kind === "starting") return { kind: "start", token: stage.grant.fencingToken };
    return stage.kind === "probing" ? undefined : { kind: "report", hasPassed: stage.hasPassed };
  }

  /** The store granted the lease. */
  granted(grant: ProbeGrant): ProbeWish | undefined {
    const stage = this.#stage;
    const isWanted = stage.kind === "claiming" && this.#mayStart(stage.epoch, grant.fencingToken);
    this.#stage = isWanted ? { kind: "starting", grant } : RESTING;
    return isWanted ? undefined : { kind: "release" };
  }

  /** The lease is another's for so long, or the store did not say. */
  refused(forMs: Ms, { nowMs }: Moment): void {
    if (this.#stage.kind !== "claiming") return;
    this.#standing.postpone(nowMs + forMs);
    this.#stage = RESTING;
  }

  /** How the probes of `epoch` went. */
  probed(epoch: Revision, hasPassed: boolean): void {
    const stage = this.#stage;
    if (stage.kind !== "probing" || stage.epoch !== epoch) return;
    this.#stage = { kind: "reporting", grant: stage.grant, hasPassed };
  }

  /** There is a new record. */
  turned(): ProbeWish | undefined {
    const stage = this.#stage;
    // What the claim under way comes to is judged when it is answered.
    if (stage.kind === "claiming" || stage.kind === "resting") return undefined;
    const { state, epoch } = this.#standing;
    if (stage.kind === "starting" && state.kind === "probing") {
      const { fencingToken } = stage.grant;
      if (state.token === fencingToken) {
        this.#stage = { kind: "probing", grant: stage.grant, epoch };
        return undefined;
      }
      // Written late by one whose lease had ended: overtaken like any record.
      if (state.token < fencingToken) return undefined;
    }
    return this.#end();
  }

  /** Gives up whatever it does. */
  drop(): ProbeWish | undefined {
    return this.#end();
  }

  #mayStart(claimedIn: Revision, token: FencingToken): boolean {
    const { state, epoch } = this.#standing;
    if (state.kind === "probing") return state.token < token;
    return state.kind === "open" && epoch === claimedIn;
  }

  #end(): ProbeWish | undefined {
    const isGranted = "grant" in this.#stage;
    this.#stage = RESTING;
    return isGranted ? { kind: "release" } : undefined;
  }
}
