/**
 * A failure detector: how suspicious is a peer's silence, and is it too much?
 *
 * Nobody can tell a crashed peer from a slow one by waiting. What can be had is a detector that is
 * eventually perfect: after some time nobody knows in advance, it suspects every crashed peer for
 * good, and no living one any more. Until then it errs, and each kind of detector errs in its own
 * way: sooner and more often, or later and more rarely.
 *
 * All kinds share this interface, so that one can be put in place of another. They are pure: no
 * timer, no socket; the clock is the runtime's.
 *
 * Does not guarantee: truth. A suspected peer may live, and act. Never let a suspicion alone
 * permit a write; that is what leases and fencing tokens are for.
 *
 * Chandra and Toueg, "Unreliable failure detectors for reliable distributed systems", JACM 1996.
 */
import type { Ms, Runtime } from "@quorate/core";

/** What a detector says of a peer; `unknown`: it was not told to expect that one. */
export type PeerStatus = "unknown" | "alive" | "suspect";

/** About a heartbeat. */
export interface HeartbeatArrival {
  /**
   * The sender's number of it, greater with each: an integer >= 0. With it a heartbeat that comes
   * twice or late is told from a sign of life, and `ChenDetector` knows how many were lost. It is
   * believed. A sender that has restarted begins anew: `forget` it first.
   */
  readonly seq?: number | undefined;
}

/** Watches peers by their heartbeats. */
export interface FailureDetector {
  /** Suspicion from which a peer is `suspect`. */
  readonly threshold: number;
  /** Whom it watches, in the order in which it was told to. */
  readonly peers: readonly string[];
  /**
   * Expects heartbeats of `peer` from now on, so that one that is never heard of is suspected, too.
   * Nothing, if it does already.
   *
   * @throws TOO_LARGE it watches `maxPeers` already. @throws INVALID_ARGUMENT `peer` is no string
   */
  expect(peer: string): void;
  /**
   * Says that a heartbeat arrived, and expects the next. False if its number is not greater than
   * that of an earlier one: then it counts for nothing.
   *
   * @throws TOO_LARGE the peer is a new one, and there are `maxPeers` already.
   * @throws INVALID_ARGUMENT `seq` is no integer >= 0
   */
  heartbeat(peer: string, options?: HeartbeatArrival): boolean;
  /**
   * How suspicious the silence of `peer` is, on this detector's own scale: finite, 0 for one that
   * is unknown, and never less while nothing is heard. Constant time.
   */
  suspicion(peer: string): number;
  /** The verdict: whether the suspicion has reached the threshold. */
  status(peer: string): PeerStatus;
  /** Watches `peer` no more. False if it did not. */
  forget(peer: string): boolean;
}

/** What all detectors are told. */
export interface DetectorOptions {
  /** Whose clock counts. @default systemRuntime */
  readonly runtime?: Pick<Runtime, "time">;
  /** How often a peer sends a heartbeat. @default 1000 */
  readonly intervalMs?: Ms;
  /**
   * Longest time between two calls of this detector that counts in full. Of a longer one the rest
   * is held to be this process's own standstill, and against nobody. Ask for verdicts at least
   * this often: who asks more rarely, detects later. @default intervalMs
   */
  readonly localPauseMs?: Ms;
  /** Most peers. @default 1024 */
  readonly maxPeers?: number;
}

/** Makes the detector that a membership uses; the options come from the membership. */
export type MakeDetector = (options: DetectorOptions) => FailureDetector;
