/**
 * How hard the worlds of the zoo are, by name: the built-in profiles, and narrow ones for what is
 * rare in those. A narrow profile throws one kind of thing, often, so that few seeds suffice.
 */
import type { Profile, ProfileName } from "@quorate/simulator";

const NARROW = {
  /** Messages arrive long after their sender has given them up. */
  stragglers: {
    name: "stragglers",
    faults: {
      "connection-reset": { everyMs: 2_000 },
      "pause-before-send": { everyMs: 2_000 },
      slow: { everyMs: 3_000 },
    },
    swarm: 1,
    network: { maxDelayMs: 50, spikeRate: 0.2, spikeMs: 5_000 },
  },
  /** Everything takes long, at times longer than a lease; nothing sleeps. */
  sluggish: {
    name: "sluggish",
    faults: {
      pause: { everyMs: 3_000 },
      "pause-before-send": { everyMs: 1_000 },
      "store-pause": { everyMs: 6_000 },
      slow: { everyMs: 4_000 },
    },
    swarm: 1,
    network: { maxDelayMs: 100, spikeRate: 0.1, spikeMs: 2_000 },
  },
  /** Processes are cut off from the store, for longer than a lease. */
  "cut-off": {
    name: "cut-off",
    faults: { partition: { everyMs: 4_000, forMs: [2_000, 8_000] } },
    swarm: 1,
  },
  /** Processes stop between a look at the clock and the message that follows from it. */
  stopping: {
    name: "stopping",
    faults: { "pause-before-send": { everyMs: 400 } },
    swarm: 1,
  },
  /** Machines sleep: their monotonic clocks stand still. */
  sleepy: { name: "sleepy", faults: { suspend: { everyMs: 3_000 } }, swarm: 1 },
  /** Wall clocks are set, forward and back; the network is bad enough for leases to be lost. */
  jumpy: {
    name: "jumpy",
    faults: {
      "clock-jump": { everyMs: 1_000 },
      pause: { everyMs: 4_000 },
      partition: { everyMs: 5_000, forMs: [1_000, 6_000] },
    },
    swarm: 1,
  },
  /** Clocks run at different rates, and renewals fail. */
  drifting: {
    name: "drifting",
    faults: {
      "clock-rate": { everyMs: 1_000 },
      partition: { everyMs: 4_000, forMs: [3_000, 8_000] },
    },
    swarm: 1,
  },
  /** The store's clock is set. */
  "set-back": { name: "set-back", faults: { "store-clock-jump": { everyMs: 1_000 } }, swarm: 1 },
} satisfies Readonly<Record<string, Profile>>;

/** Names of profiles. */
export type ProfileKey = ProfileName | keyof typeof NARROW;

/** By name. */
export const PROFILES: Readonly<Record<ProfileKey, ProfileName | Profile>> = {
  calm: "calm",
  lossy: "lossy",
  harsh: "harsh",
  failover: "failover",
  ...NARROW,
};
