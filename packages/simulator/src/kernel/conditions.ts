/**
 * What a network is like: how long messages take, and what share of them is lost, doubled or late.
 */
import { inRange, invalidArgument, nonNegative } from "@quorate/core";
import { unitOf } from "./seed.ts";

/** Conditions of a network, or of one way through it. Shares are of 0 to 1. */
export interface NetworkConditions {
  /** The shortest way. @default 0.2 */
  readonly minDelayMs: number;
  /** The usual longest way; delays are uniform between. @default 2 */
  readonly maxDelayMs: number;
  /** Share lost: a datagram is gone, a stream's message is sent again and late. @default 0 */
  readonly lossRate: number;
  /** Share of datagrams that arrive twice. @default 0 */
  readonly duplicateRate: number;
  /** Share that takes up to `spikeMs` longer; among datagrams, it is overtaken. @default 0 */
  readonly spikeRate: number;
  /** @default 200 */
  readonly spikeMs: number;
}

/** A network in one room, on a good day. */
export const CALM_NETWORK: NetworkConditions = {
  minDelayMs: 0.2,
  maxDelayMs: 2,
  lossRate: 0,
  duplicateRate: 0,
  spikeRate: 0,
  spikeMs: 200,
};

/** A stream waits this long before it sends a lost message again; twice as long each time after. */
const RETRANSMIT_MS = 200;

/** Tries after which a stream's message is taken to have arrived: a bound for a lossy draw. */
const MAX_RETRANSMITS = 6;

/** `conditions` if they are possible ones. */
export function checkConditions(conditions: NetworkConditions): NetworkConditions {
  const { minDelayMs, maxDelayMs } = conditions;
  nonNegative("minDelayMs", minDelayMs);
  nonNegative("spikeMs", conditions.spikeMs);
  if (!(maxDelayMs >= minDelayMs)) {
    throw invalidArgument("maxDelayMs", maxDelayMs, `at least minDelayMs, ${minDelayMs}`);
  }
  for (const name of ["lossRate", "duplicateRate", "spikeRate"] as const) {
    inRange(name, conditions[name], 0, 1);
  }
  return conditions;
}

// Each kind of draw has a salt of its own: whether a message is lost must not tell its delay.
const DELAY = 1;
const SPIKE = 2;
const SPIKE_LENGTH = 3;
const LOSS = 4;
const DUPLICATE = 5;
const SECOND_DELAY = 6;

/** How long message `count` of the way `key` takes, in microseconds, losses left aside. */
export function delayUs(conditions: NetworkConditions, key: number, count: number): number {
  return delayBy(conditions, key, count, DELAY);
}

/** As `delayUs`, with what a stream's losses add to it. */
export function streamDelayUs(conditions: NetworkConditions, key: number, count: number): number {
  const once = delayUs(conditions, key, count);
  if (conditions.lossRate === 0) return once;
  let lostUs = 0;
  for (let attempt = 0; attempt < MAX_RETRANSMITS; attempt++) {
    if (unitOf(key, count, LOSS + 16 * attempt) >= conditions.lossRate) break;
    lostUs += RETRANSMIT_MS * 1_000 * 2 ** attempt;
  }
  return once + lostUs;
}

/** Whether datagram `count` of the way `key` is lost. */
export function isLost({ lossRate }: NetworkConditions, key: number, count: number): boolean {
  return lossRate > 0 && unitOf(key, count, LOSS) < lossRate;
}

/** When datagram `count` arrives a second time; `undefined`: it does not. */
export function secondDelayUs(
  conditions: NetworkConditions,
  key: number,
  count: number,
): number | undefined {
  const { duplicateRate } = conditions;
  if (duplicateRate === 0 || unitOf(key, count, DUPLICATE) >= duplicateRate) return undefined;
  return delayBy(conditions, key, count, SECOND_DELAY);
}

function delayBy(conditions: NetworkConditions, key: number, count: number, salt: number): number {
  const { minDelayMs, maxDelayMs, spikeRate } = conditions;
  let ms = minDelayMs + unitOf(key, count, salt) * (maxDelayMs - minDelayMs);
  if (spikeRate > 0 && unitOf(key, count, SPIKE + 16 * salt) < spikeRate) {
    ms += unitOf(key, count, SPIKE_LENGTH + 16 * salt) * conditions.spikeMs;
  }
  return Math.ceil(ms * 1_000);
}
