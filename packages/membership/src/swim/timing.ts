/**
 * How often a member of a SWIM group asks, tells and waits: presets for one machine, one data
 * centre and the wide area, and the formulas that scale with the size of the group.
 *
 * Faster detection costs packets and false alarms; the presets are those that memberlist has run
 * with for years. What a member adds by itself is patience: its awareness of its own health
 * multiplies its timeouts, and a suspicion that nobody confirms waits up to six times as long.
 *
 * Dadgar, Phillips, Currey, "Lifeguard: Local Health Awareness for More Accurate Failure
 * Detection", DSN-W 2018, for the suspicion timeouts.
 */
import { invalidArgument, knownOptions, type Ms, positive, positiveInteger } from "@quorate/core";

/** Periods, timeouts and counts of one member. All members should have the same. */
export interface SwimTiming {
  /** Between two probes of one member: each of n others is asked once in n of them. */
  readonly probeIntervalMs: Ms;
  /** How long a direct ping waits before others are asked to try. Below the interval. */
  readonly probeTimeoutMs: Ms;
  /** How many others are asked to try. */
  readonly indirectProbes: number;
  /** Shortest suspicion: this, times log10 of the group's size, times the probe interval. */
  readonly suspicionMult: number;
  /** Longest suspicion, in shortest ones: for one that nobody confirms. */
  readonly suspicionMaxFactor: number;
  /** Between two rounds of gossip, while there is news. */
  readonly gossipIntervalMs: Ms;
  /** How many members hear of each round. */
  readonly gossipNodes: number;
  /** How often a piece of news is told on: this, times log10 of the group's size. */
  readonly retransmitMult: number;
  /** For so long after its death a member is still told of it, so that it can object. */
  readonly gossipToDeadMs: Ms;
  /** Between two comparisons of the whole table with another member; longer in large groups. */
  readonly syncIntervalMs: Ms;
  /** Between two tries to reach a seed or a member that is down: what heals a partition. */
  readonly rejoinIntervalMs: Ms;
  /** How long members that are down or left are remembered. */
  readonly forgetAfterMs: Ms;
}

/** One room, up to some hundred members; also a data centre. The default. */
const LAN: SwimTiming = {
  probeIntervalMs: 1_000,
  probeTimeoutMs: 500,
  indirectProbes: 3,
  suspicionMult: 4,
  suspicionMaxFactor: 6,
  gossipIntervalMs: 200,
  gossipNodes: 3,
  retransmitMult: 4,
  gossipToDeadMs: 30_000,
  syncIntervalMs: 30_000,
  rejoinIntervalMs: 10_000,
  forgetAfterMs: 86_400_000,
};

/** Presets by name. */
export const SWIM_TIMINGS: Readonly<Record<"local" | "lan" | "wan", SwimTiming>> = {
  local: {
    ...LAN,
    probeTimeoutMs: 200,
    indirectProbes: 1,
    suspicionMult: 3,
    gossipIntervalMs: 100,
    retransmitMult: 2,
    gossipToDeadMs: 15_000,
    syncIntervalMs: 15_000,
    rejoinIntervalMs: 5_000,
  },
  lan: LAN,
  wan: {
    ...LAN,
    probeIntervalMs: 5_000,
    probeTimeoutMs: 3_000,
    suspicionMult: 6,
    gossipIntervalMs: 500,
    gossipNodes: 4,
    gossipToDeadMs: 60_000,
    syncIntervalMs: 60_000,
    rejoinIntervalMs: 30_000,
  },
};

const COUNTS: readonly (keyof SwimTiming)[] = ["indirectProbes", "gossipNodes", "retransmitMult"];
const NAMES = Object.keys(LAN) as (keyof SwimTiming)[];
/** Members have at most so many confirmations, relays and targets each. */
const MAX_COUNT = 32;

/** A preset, or one's own numbers on top of `lan`. */
export type SwimTimingOption = keyof typeof SWIM_TIMINGS | Partial<SwimTiming>;

/** The timing that `option` means. @throws INVALID_ARGUMENT */
export function checkTiming(option: SwimTimingOption = "lan"): SwimTiming {
  if (typeof option === "string") {
    if (Object.hasOwn(SWIM_TIMINGS, option)) return SWIM_TIMINGS[option];
    throw invalidArgument("timing", option, "local, lan, wan or an object of numbers");
  }
  knownOptions("timing", option, NAMES);
  const timing = { ...LAN, ...option };
  for (const name of NAMES) {
    positive(`timing.${name}`, timing[name]);
    if (!COUNTS.includes(name)) continue;
    positiveInteger(`timing.${name}`, timing[name]);
    if (timing[name] > MAX_COUNT) {
      throw invalidArgument(`timing.${name}`, timing[name], `at most ${MAX_COUNT}`);
    }
  }
  const { probeTimeoutMs, probeIntervalMs } = timing;
  if (probeTimeoutMs >= probeIntervalMs) {
    throw invalidArgument("timing.probeTimeoutMs", probeTimeoutMs, "below probeIntervalMs");
  }
  return timing;
}

/** The shortest suspicion in a group of `size` living members. */
export function minSuspicionMs(timing: SwimTiming, size: number): Ms {
  const scale = Math.max(1, Math.log10(Math.max(1, size)));
  return timing.suspicionMult * scale * timing.probeIntervalMs;
}

/** How many confirmations make a suspicion the shortest one; none where too few could confirm. */
export function wantedConfirmations(timing: SwimTiming, size: number): number {
  const wanted = Math.min(MAX_COUNT, Math.floor(timing.suspicionMult) - 2);
  return wanted > 0 && size - 2 >= wanted ? wanted : 0;
}

/** How long a suspicion lasts that `confirmed` others share: from long to short by logarithm. */
export function suspicionMs(minMs: Ms, maxMs: Ms, confirmed: number, wanted: number): Ms {
  if (wanted < 1) return minMs;
  const share = Math.log(confirmed + 1) / Math.log(wanted + 1);
  return Math.max(minMs, Math.floor(maxMs - share * (maxMs - minMs)));
}

/** How often one member tells a piece of news on. */
export function transmitLimit(timing: SwimTiming, size: number): number {
  return timing.retransmitMult * Math.ceil(Math.log10(size + 1));
}

/** How many times rarer large groups compare their tables: 1 up to 32 members, then by log2. */
export function syncScale(size: number): number {
  return size <= 32 ? 1 : Math.ceil(Math.log2(size) - 5) + 1;
}
