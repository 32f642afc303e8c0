/**
 * Profiles: how hard a world is on those who live in it.
 *
 * A profile is data: how often each kind of fault happens on average, and how bad the network may
 * be. Each seed switches on a random part of it and draws its own intensities, since a run in
 * which everything goes wrong all the time hides what only goes wrong when something else works
 * (swarm testing: Groce et al., ISSTA 2012).
 */
import { invalidArgument, inRange, knownOptions, positive } from "@quorate/core";
import type { NetworkConditions } from "../kernel/conditions.ts";

/** How often a kind of fault happens, in those seeds that have it. */
export interface FaultRate {
  /** Average time between two of them, over the whole world. */
  readonly everyMs: number;
  /** How long it lasts; without, as the fault itself draws. */
  readonly forMs?: readonly [fromMs: number, toMs: number];
}

/** How hard a world is. */
export interface Profile {
  readonly name: string;
  /** Kinds of fault by name; those that this world does not have are left out. */
  readonly faults: Readonly<Record<string, FaultRate>>;
  /** For kinds that `faults` does not name. @default they do not happen */
  readonly others?: FaultRate;
  /** Kinds that are left out even where `others` would have them. */
  readonly never?: readonly string[];
  /** Pairs of kinds that never befall the same seed, since together they ask the impossible. */
  readonly apart?: readonly (readonly [kind: string, other: string])[];
  /** The share of kinds that a seed switches on. @default 0.5 */
  readonly swarm?: number;
  /** The worst of the network; a seed draws between none and this. */
  readonly network?: Partial<NetworkConditions>;
  /** The average fault-free time at the start. @default 1000 */
  readonly quietMs?: number;
}

/** Names of the profiles that are built in. */
export type ProfileName = "calm" | "lossy" | "harsh" | "failover";

const CALM: Profile = { name: "calm", faults: {} };

const LOSSY: Profile = {
  name: "lossy",
  faults: {
    loss: { everyMs: 8_000 },
    slow: { everyMs: 8_000 },
    partition: { everyMs: 15_000, forMs: [50, 5_000] },
    "connection-reset": { everyMs: 8_000 },
  },
  network: { maxDelayMs: 50, lossRate: 0.1, duplicateRate: 0.1, spikeRate: 0.1, spikeMs: 500 },
};

const HARSH: Profile = {
  name: "harsh",
  faults: {
    kill: { everyMs: 8_000 },
    pause: { everyMs: 5_000 },
    "pause-before-send": { everyMs: 5_000 },
    suspend: { everyMs: 15_000 },
    "clock-jump": { everyMs: 8_000 },
    "clock-rate": { everyMs: 8_000 },
    partition: { everyMs: 8_000 },
    "connection-reset": { everyMs: 8_000 },
    "half-open": { everyMs: 10_000 },
    slow: { everyMs: 8_000 },
    loss: { everyMs: 8_000 },
  },
  others: { everyMs: 10_000 },
  // What loses acknowledged writes is no test of code that was promised a store that does not.
  never: ["store-failover", "store-flush"],
  // A machine that slept, and whose clock was set back by as much, cannot know that it slept: its
  // monotonic clock stood still. No lease survives that on the holder's side; fencing does.
  apart: [["suspend", "clock-jump"]],
  network: { maxDelayMs: 50, lossRate: 0.1, duplicateRate: 0.1, spikeRate: 0.1, spikeMs: 1_000 },
};

const FAILOVER: Profile = {
  ...HARSH,
  name: "failover",
  faults: {
    ...HARSH.faults,
    "store-failover": { everyMs: 10_000 },
    "store-flush": { everyMs: 30_000 },
  },
  never: [],
};

const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  calm: CALM,
  lossy: LOSSY,
  harsh: HARSH,
  failover: FAILOVER,
};

/** The profile called so, or one's own, checked. */
export function profileOf(profile: ProfileName | Profile): Profile {
  if (typeof profile === "string") {
    if (Object.hasOwn(PROFILES, profile)) return PROFILES[profile];
    throw invalidArgument("profile", profile, `${Object.keys(PROFILES).join(", ")} or a Profile`);
  }
  const known = [
    "name",
    "faults",
    "others",
    "never",
    "apart",
    "swarm",
    "network",
    "quietMs",
  ] as const;
  knownOptions("profile", profile, known);
  if (profile.swarm !== undefined) inRange("profile.swarm", profile.swarm, 0, 1);
  for (const [kind, rate] of Object.entries(profile.faults)) {
    positive(`profile.faults.${kind}.everyMs`, rate.everyMs);
  }
  if (profile.others !== undefined) positive("profile.others.everyMs", profile.others.everyMs);
  return profile;
}
