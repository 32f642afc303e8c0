/**
 * The desk of a server's admission: the places and the line that all its methods share.
 */
import {
  boundedString,
  callable,
  knownOptions,
  positiveInteger,
  type QuorateError,
  type Runtime,
  show,
  systemRuntime,
} from "@quorate/core";

import type { Handler } from "./admission-handler.ts";
import type {
  AdmissionEvents,
  AdmissionOptions,
  AdmissionStats,
  ShedReason,
} from "./admission-options.ts";
import { MAX_NAME_BYTES, queueLength, queueOrder } from "./bulkhead.ts";
import {
  type Need,
  type Place,
  type PlaceKeeper,
  Places,
  type Unserved,
} from "./bulkhead-places.ts";
import { duration } from "./duration.ts";
import { reportFailure } from "./emitter.ts";
import { Signals } from "./limit-signals.ts";
import { LIMIT_OPTIONS, LimitTracker } from "./limit-tracker.ts";
import type { LiveCall } from "./live-call.ts";
import { rejection } from "./rejection.ts";

/** When to come again, while nothing is known of the handler. */
const UNKNOWN_MS = 50;
/** Bounds of what is told, before chance doubles it at most. */
const MIN_RETRY_AFTER_MS = 10;
const MAX_RETRY_AFTER_MS = 5_000;

const REASONS: Readonly<Record<ShedReason, string>> = {
  full: "its line is full",
  late: "the call would not end before its deadline",
  priority: "the call's priority is too low for now",
  displaced: "a call of higher priority took the place in line",
};

/** What the methods of one server share. */
export class AdmissionDesk implements PlaceKeeper {
  readonly runtime: Runtime;
  readonly name: string;
  readonly places: Places;
  readonly signals: Signals<AdmissionEvents>;
  readonly #tracker: LimitTracker | undefined;
  readonly #shedAt: ((priority: number) => number) | undefined;
  readonly #shed: Record<ShedReason, number> = { full: 0, late: 0, priority: 0, displaced: 0 };

  constructor(options: AdmissionOptions) {
    const { limit = {} } = options;
    this.runtime = options.runtime ?? systemRuntime;
    this.name = boundedString("name", options.name ?? "server", MAX_NAME_BYTES);
    this.signals = new Signals(this.runtime, "admission");
    if (options.shedAt !== undefined) this.#shedAt = callable("shedAt", options.shedAt);
    if (typeof limit !== "number") {
      knownOptions("limit", limit, LIMIT_OPTIONS);
      this.#tracker = new LimitTracker(this.runtime, limit, (now, before) => {
        this.signals.send("moved", () => ({ admission: this.name, limit: now, before }));
      });
    }
    this.places = new Places(this, {
      limit: typeof limit === "number" ? positiveInteger("limit", limit) : this.#initial(),
      queue: queueLength(options.queue ?? 200),
      order: queueOrder(options.order ?? "adaptive"),
      leakedGraceMs: duration("leakedGraceMs", options.leakedGraceMs ?? Infinity),
      isTimed: true,
    });
  }

  get stats(): AdmissionStats {
    const { limit, running, queued, leaked } = this.places;
    return { limit, running, queued, leaked, pressure: this.#pressure(), shed: { ...this.#shed } };
  }

  /** Lets the call in, has it wait, or throws `OVERLOADED`. */
  enter(call: LiveCall, handler: Handler): Place | Promise<Place> {
    if (call.priority < 0 || this.#shedAt !== undefined) {
      const threshold = this.#threshold(call.priority);
      if (threshold < 1 && this.#pressure() >= threshold) {
        throw this.#overloaded(call, "priority", handler);
      }
    }
    if (call.deadlineMs !== Infinity && this.places.running < this.places.limit) {
      handler.hasRoom(this.runtime.time.monotonicMs());
    }
    return this.places.enter(call, handler);
  }

  /** The handler of `place` has ended. */
  ended(place: Place, handler: Handler): void {
    const { verdict } = place;
    if (verdict !== "ignored") {
      const nowMs = this.runtime.time.monotonicMs();
      if (verdict === "ok") handler.ended(nowMs - place.startedMs, nowMs);
      this.#tracker?.ended(this.places, place, nowMs, verdict === "dropped");
    }
    this.places.settle(place);
  }

  refusal(call: LiveCall, why: Unserved, need: Need | undefined): unknown {
    return this.#overloaded(call, why, need as Handler); // All that enter have a handler.
  }

  refit(): void {
    this.#tracker?.fit(this.places);
  }

  leaked(): void {
    const { leaked } = this.places;
    this.signals.send("leaked", () => ({ admission: this.name, leaked }));
  }

  recovered(by: "work" | "grace"): void {
    const { leaked } = this.places;
    this.signals.send("recovered", () => ({ admission: this.name, leaked, by }));
  }

  #initial(): number {
    return this.#tracker?.initial ?? 1;
  }

  #pressure(): number {
    const { limit, running, queued, maxQueued } = this.places;
    if (running < limit) return (0.5 * running) / limit;
    return maxQueued === 0 ? 1 : 0.5 + (0.5 * queued) / maxQueued;
  }

  #threshold(priority: number): number {
    const usual = priority < 0 ? 2 ** priority : 1;
    if (this.#shedAt === undefined) return usual;
    try {
      const threshold = this.#shedAt(priority);
      return typeof threshold === "number" && !Number.isNaN(threshold) ? threshold : usual;
    } catch (error) {
      reportFailure(this.runtime, "shedAt", error);
      return usual;
    }
  }

  #overloaded(
    call: LiveCall,
    reason: ShedReason,
    { method, medianMs }: Handler,
  ): QuorateError<"OVERLOADED"> {
    const { running, queued } = this.places;
    const { priority } = call;
    this.#shed[reason] += 1;
    const admission = this.name;
    this.signals.send("shed", () => ({ admission, method, reason, priority, running, queued }));
    const retryAfterMs = this.#retryAfterMs(medianMs);
    const message = `${show(admission)} is overloaded: ${REASONS[reason]}`;
    return rejection("OVERLOADED", message, { reason, retryAfterMs });
  }

  /** When those who wait now will have been served; by chance up to twice that, against herds. */
  #retryAfterMs(medianMs: number): number {
    const { limit, queued } = this.places;
    const lineMs = ((queued + 1) * (medianMs === 0 ? UNKNOWN_MS : medianMs)) / limit;
    const boundedMs = Math.min(MAX_RETRY_AFTER_MS, Math.max(MIN_RETRY_AFTER_MS, lineMs));
    return Math.ceil(boundedMs * (1 + this.runtime.random.next()));
  }
}
