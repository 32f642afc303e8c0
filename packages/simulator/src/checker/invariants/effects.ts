/**
 * What a request did, counted where the effect is: at the ledger, the mail server, the table.
 *
 * Never "exactly once", which no network can promise: *at most once*, *at least once*, or
 * *effectively once* (at least once, and the effect recognises the second).
 */
import { invalidArgument } from "@quorate/core";
import { Findings, type InvariantReport } from "./report.ts";

/** A request, and what its client was told. */
export interface EffectRequest {
  /** Idempotency key, or whatever names the request at both ends. */
  readonly key: string;
  /** `none`: it surely did not happen. `unknown`: nobody can tell. */
  readonly outcome: "ok" | "none" | "unknown";
}

/** How often an effect may be there. */
export type EffectPromise = "at most once" | "at least once" | "effectively once";

/** Input of `checkEffects`. */
export interface EffectRecords {
  readonly requests: Iterable<EffectRequest>;
  /** Keys of the effects that are really there, one for each time that it happened. */
  readonly effects: Iterable<string>;
  readonly promise: EffectPromise;
}

/**
 * Every acknowledged request had its effect, none that surely failed had one, nothing happened
 * that nobody asked for, and (unless `at least once`) nothing happened twice.
 *
 * @example
 * const report = checkEffects({
 *   requests: [{ key: "pay-1", outcome: "unknown" }],
 *   effects: ["pay-1", "pay-1"],
 *   promise: "effectively once",
 * });
 * console.log(report.violations[0]?.message); // happened 2 times
 */
export function checkEffects({ requests, effects, promise }: EffectRecords): InvariantReport {
  if (!["at most once", "at least once", "effectively once"].includes(promise)) {
    throw invalidArgument("promise", promise, "at most, at least or effectively once");
  }
  const findings = new Findings();
  const counts = new Map<string, number>();
  for (const key of effects) counts.set(key, (counts.get(key) ?? 0) + 1);
  // The same request may be asked again: what counts is the best answer that anybody was given.
  const outcomes = new Map<string, EffectRequest["outcome"]>();
  for (const { key, outcome } of requests) {
    const known = outcomes.get(key);
    const better =
      known === undefined || outcome === "ok" || (known === "none" && outcome !== known);
    if (better) outcomes.set(key, outcome);
  }
  for (const [key, outcome] of outcomes) {
    const count = counts.get(key) ?? 0;
    if (count === 0 && outcome === "ok") findings.add(key, "was acknowledged and did not happen");
    if (count > 0 && outcome === "none") findings.add(key, "was said not to happen and happened");
    if (count > 1 && promise !== "at least once") findings.add(key, `happened ${count} times`);
  }
  for (const [key, count] of counts) {
    if (!outcomes.has(key)) findings.add(key, `happened ${count} times and nobody asked for it`);
  }
  return findings.report(outcomes.size);
}
