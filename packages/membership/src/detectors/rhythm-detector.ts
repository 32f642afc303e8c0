/**
 * What all failure detectors have in common: a bounded table of peers, and the local-pause guard.
 *
 * The guard. A process that was stopped, or whose event loop was blocked, wakes up to due timers
 * first and to the packets that queued up after that. If the clock alone counted, it would accuse
 * all its peers of its own absence. So a silence is only what this process could have noticed: the
 * time between two calls counts up to `localPauseMs`, and the rest against nobody. Nor is the time
 * of arrival of what queued up taken for anybody's rhythm.
 *
 * Guarantees: after a standstill of any length a peer that was not suspect before has, until it is,
 * at least its usual patience less `localPauseMs` and the silence before; a dead peer is suspected
 * at last, however rarely somebody asks. Memory is bounded by `maxPeers`.
 *
 * The idea is Cassandra's, whose detector convicts nobody for a while after it was paused.
 */
import {
  invalidArgument,
  type Ms,
  positive,
  positiveInteger,
  QuorateError,
  type Runtime,
  systemRuntime,
} from "@quorate/core";
import type { DetectorOptions, FailureDetector, HeartbeatArrival, PeerStatus } from "./detector.ts";
import type { Rhythm } from "./rhythm.ts";

/** A peer that is watched. */
interface Watched {
  readonly rhythm: Rhythm;
  /** When it was last heard, or first expected. */
  heardMs: Ms;
  /** How long this process had stood still in all, at that time. */
  standstillMs: Ms;
  seq: number;
  hasBeaten: boolean;
}

const NO_OPTIONS: HeartbeatArrival = {};
const DEFAULT_INTERVAL_MS = 1_000;
const DEFAULT_MAX_PEERS = 1_024;

/** Names of the options that all detectors take. */
export const DETECTOR_OPTIONS = ["runtime", "intervalMs", "localPauseMs", "maxPeers"] as const;

/** A period in milliseconds, checked. @throws INVALID_ARGUMENT */
export function checkInterval(options: DetectorOptions): Ms {
  return positive("intervalMs", options.intervalMs ?? DEFAULT_INTERVAL_MS);
}

/**
 * A detector whose opinion of each peer is a rhythm's: the base of the kinds that are exported.
 * Those check which options there are.
 */
export class RhythmDetector implements FailureDetector {
  readonly threshold: number;
  readonly #begin: () => Rhythm;
  readonly #time: Runtime["time"];
  readonly #localPauseMs: Ms;
  readonly #maxPeers: number;
  readonly #peers = new Map<string, Watched>();
  /** The last call. */
  #lookedMs: Ms;
  #standstillMs = 0;
  /** Until when heartbeats may be ones that queued up during a standstill. */
  #drainsUntilMs = -Infinity;

  constructor(options: DetectorOptions, threshold: number, begin: () => Rhythm) {
    this.threshold = positive("threshold", threshold);
    this.#begin = begin;
    this.#time = (options.runtime ?? systemRuntime).time;
    this.#localPauseMs = positive("localPauseMs", options.localPauseMs ?? checkInterval(options));
    this.#maxPeers = positiveInteger("maxPeers", options.maxPeers ?? DEFAULT_MAX_PEERS);
    this.#lookedMs = this.#time.monotonicMs();
  }

  get peers(): readonly string[] {
    return [...this.#peers.keys()];
  }

  expect(peer: string): void {
    this.#look();
    this.#watch(peer);
  }

  heartbeat(peer: string, { seq }: HeartbeatArrival = NO_OPTIONS): boolean {
    if (seq !== undefined && !(Number.isSafeInteger(seq) && seq >= 0)) {
      throw invalidArgument("seq", seq, "an integer >= 0");
    }
    const atMs = this.#look();
    const watched = this.#watch(peer);
    if (seq !== undefined && seq <= watched.seq) return false;
    const isTimely =
      watched.hasBeaten &&
      watched.standstillMs === this.#standstillMs &&
      atMs >= this.#drainsUntilMs;
    watched.rhythm.beat({ atMs, silentMs: this.#silenceMs(watched), seq, isTimely });
    watched.heardMs = atMs;
    watched.standstillMs = this.#standstillMs;
    watched.hasBeaten = true;
    if (seq !== undefined) watched.seq = seq;
    return true;
  }

  suspicion(peer: string): number {
    this.#look();
    const watched = this.#peers.get(peer);
    if (watched === undefined) return 0;
    // A quotient of two sound numbers may overflow; a suspicion must compare.
    return Math.min(watched.rhythm.suspicion(this.#silenceMs(watched)), Number.MAX_VALUE);
  }

  status(peer: string): PeerStatus {
    if (!this.#peers.has(peer)) return "unknown";
    return this.suspicion(peer) >= this.threshold ? "suspect" : "alive";
  }

  forget(peer: string): boolean {
    return this.#peers.delete(peer);
  }

  #watch(peer: string): Watched {
    const known = this.#peers.get(peer);
    if (known !== undefined) return known;
    if (typeof peer !== "string") throw invalidArgument("peer", peer, "a string");
    if (this.#peers.size >= this.#maxPeers) throw tooMany(this.#maxPeers);
    const watched = {
      rhythm: this.#begin(),
      heardMs: this.#lookedMs,
      standstillMs: this.#standstillMs,
      seq: -1,
      hasBeaten: false,
    };
    this.#peers.set(peer, watched);
    return watched;
  }

  #silenceMs({ heardMs, standstillMs }: Watched): Ms {
    return Math.max(0, this.#lookedMs - heardMs - (this.#standstillMs - standstillMs));
  }

  /** Reads the clock; what passed since the last call may have been a standstill. */
  #look(): Ms {
    const nowMs = this.#time.monotonicMs();
    const gapMs = nowMs - this.#lookedMs;
    if (!(gapMs > 0)) return this.#lookedMs; // Nor does time go back, whatever the clock says.
    this.#lookedMs = nowMs;
    if (gapMs <= this.#localPauseMs) return nowMs;
    this.#standstillMs += gapMs - this.#localPauseMs;
    this.#drainsUntilMs = nowMs + this.#localPauseMs;
    return nowMs;
  }
}

function tooMany(limit: number): QuorateError<"TOO_LARGE"> {
  const message = `peers has size ${limit + 1}, at most ${limit} is allowed; see maxPeers`;
  const details = { option: "peers", size: limit + 1, limit };
  return new QuorateError("TOO_LARGE", message, { effect: "none", details });
}
