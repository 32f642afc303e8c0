/**
 * How the fleet stands, as one instance knows it: the newest record that it has seen.
 *
 * Durations of the record count from when this instance adopted it. The epoch never goes back,
 * even where the store does: a failover that forgot the last records is noticed when somebody
 * writes, and what is written then is newer than all.
 */
import type { Ms, Revision } from "@quorate/core";

import type { FleetRecord, FleetState } from "./record.ts";

const CLOSED: FleetState = { kind: "closed" };

/** Of a ramp's length: within which share after its end everybody else closes it. */
const CLOSE_WAIT = 0.5;

/** Over how long all who hear of it spread the end of an isolation. */
const ISOLATION_SPREAD_MS: Ms = 2_000;

/** What is known of the record. */
export class Standing {
  #epoch: Revision = 0;
  #expect: Revision | "absent" = "absent";
  #record: FleetRecord | undefined = undefined;
  #sinceMs: Ms = 0;
  /** When a probe may be asked for, or a ramp is over and to be written as closed. */
  #dueMs: Ms = Infinity;

  /** Of the newest record seen; 0: none. */
  get epoch(): Revision {
    return this.#epoch;
  }

  /** In which evidence counts: of the record that is there; 0 without one, also for newcomers. */
  get round(): Revision {
    return this.#expect === "absent" ? 0 : this.#epoch;
  }

  /** What the store must hold for the next record to be written. */
  get expect(): Revision | "absent" {
    return this.#expect;
  }

  /** The record itself; `undefined`: there is none, or nobody can read it. */
  get record(): FleetRecord | undefined {
    return this.#record;
  }

  /** What the fleet agreed on; closed where there is no record. */
  get state(): FleetState {
    return this.#record?.state ?? CLOSED;
  }

  /** Over how many instances to spread what all want to do. */
  get instances(): number {
    return this.#record?.instances ?? 1;
  }

  /** When this instance adopted it. */
  get sinceMs(): Ms {
    return this.#sinceMs;
  }

  /** When something may be done about it; Infinity: nothing is to be done by itself. */
  get dueMs(): Ms {
    return this.#dueMs;
  }

  /** Adopts what is newer than all that was seen; false for anything else. */
  adopt(
    epoch: Revision,
    record: FleetRecord | undefined,
    at: { readonly nowMs: Ms; readonly chance: number; readonly isMine: boolean },
  ): boolean {
    // A key that vanished may come back with the very revision that it was missed with.
    const isNews = epoch > this.#epoch || (epoch === this.#epoch && this.#expect === "absent");
    if (!isNews) return false;
    this.#epoch = epoch;
    this.#expect = epoch;
    this.#record = record;
    this.#sinceMs = at.nowMs;
    this.#dueMs = at.nowMs + waitOf(this.state, at.isMine, at.chance);
    return true;
  }

  /** The key is not there. False: that was known. */
  vanished(epoch: Revision, nowMs: Ms): boolean {
    if (epoch <= this.#epoch) return false;
    this.adopt(epoch, undefined, { nowMs, chance: 0, isMine: false });
    this.#expect = "absent";
    return true;
  }

  /** The store holds an older record than was seen: it went back, and is to be written over. */
  wentBack(revision: Revision): void {
    this.#expect = revision;
  }

  /** Not before `dueMs`. */
  postpone(dueMs: Ms): void {
    this.#dueMs = Math.max(this.#dueMs, dueMs);
  }
}

function waitOf(state: FleetState, isMine: boolean, chance: number): Ms {
  if (state.kind === "open") return state.resetMs;
  if (state.kind === "probing") return state.leaseMs;
  if (state.kind === "isolated") {
    const { forMs = Infinity } = state;
    return forMs + chance * Math.min(forMs, ISOLATION_SPREAD_MS);
  }
  if (state.kind !== "ramping") return Infinity;
  // Who began it ends it; the others only if that one is gone.
  return state.rampMs * (isMine ? 1 : 1 + CLOSE_WAIT + chance * CLOSE_WAIT);
}
