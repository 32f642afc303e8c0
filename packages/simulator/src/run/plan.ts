/**
 * Draws the plan of a seed: which faults happen, when, to whom, how badly.
 *
 * From a stream of its own, before the run begins. So the plan can be written down, and the run
 * repeated with a part of it.
 */
import { CALM_NETWORK } from "../kernel/conditions.ts";
import type { Fault, FaultOffer, FaultPlan, FaultValues } from "../kernel/faults.ts";
import { plainLog } from "../kernel/plain-math.ts";
import type { Stream } from "../kernel/seed.ts";
import { NETWORK } from "./network-faults.ts";
import { drawMs } from "./node-faults.ts";
import type { FaultRate, Profile } from "./profiles.ts";

/** Faults of one run at most; a profile that asks for more gets the first. */
const MAX_FAULTS = 10_000;

/** The plan of one run of `durationMs`. */
export function drawPlan(
  profile: Profile,
  offers: readonly FaultOffer[],
  durationMs: number,
  chance: Stream,
): FaultPlan {
  const plan: Fault[] = weatherOf(profile, chance);
  const kinds = [...new Set(offers.map(({ kind }) => kind))].filter((kind) => kind !== "weather");
  const drawn = new Map(kinds.map((kind) => [kind, drawIntensity(profile, chance)]));
  for (const [kind, other] of profile.apart ?? []) {
    const loser = chance.chance(0.5) ? kind : other;
    if (isOn(drawn, kind) && isOn(drawn, other)) drawn.set(loser, undefined);
  }
  for (const [kind, intensity] of drawn) {
    const rate = rateOf(profile, kind);
    if (rate === undefined || intensity === undefined) continue;
    const able = offers.filter((offer) => offer.kind === kind);
    plan.push(...occurrences({ rate, able, intensity, profile, durationMs }, chance));
  }
  return plan.sort((a, b) => a.atMs - b.atMs).slice(0, MAX_FAULTS);
}

/** How often a kind happens in this seed, of its rate; `undefined`: not at all. */
function drawIntensity({ swarm = 0.5 }: Profile, chance: Stream): number | undefined {
  // Both are drawn in any case: one kind's luck must not move the others'.
  const [luck, intensity] = [chance.next(), chance.between(0.5, 2)];
  return luck < swarm ? intensity : undefined;
}

function isOn(drawn: ReadonlyMap<string, number | undefined>, kind: string): boolean {
  return drawn.get(kind) !== undefined;
}

interface Occurring {
  readonly rate: FaultRate;
  readonly able: readonly FaultOffer[];
  readonly intensity: number;
  readonly profile: Profile;
  readonly durationMs: number;
}

/** Independent of each other, so the time between two is exponential. */
function* occurrences(kind: Occurring, chance: Stream): Generator<Fault> {
  const { rate, able, intensity, durationMs } = kind;
  const everyMs = rate.everyMs / intensity;
  let atMs = chance.next() * (kind.profile.quietMs ?? 1_000) * 2;
  for (;;) {
    atMs -= plainLog(1 - chance.next()) * everyMs;
    if (atMs >= durationMs) return;
    const offer = chance.pick(able);
    if (offer === undefined) return;
    const drawn = offer.draw(chance);
    const own = rate.forMs === undefined ? undefined : drawMs(chance, ...rate.forMs);
    const forMs = drawn.forMs === undefined ? undefined : (own ?? drawn.forMs);
    yield {
      atMs: Math.round(atMs),
      kind: offer.kind,
      target: offer.target,
      ...(forMs === undefined ? {} : { forMs }),
      ...(drawn.values === undefined ? {} : { values: drawn.values }),
    };
  }
}

function rateOf({ faults, others, never = [] }: Profile, kind: string): FaultRate | undefined {
  if (never.includes(kind)) return undefined;
  return Object.hasOwn(faults, kind) ? faults[kind] : others;
}

/** Half of the seeds have a good network; the others, some of what is bad in it. */
function weatherOf({ network }: Profile, chance: Stream): Fault[] {
  if (network === undefined || chance.chance(0.5)) return [];
  const values: Record<string, number> = {};
  for (const name of ["lossRate", "duplicateRate", "spikeRate", "spikeMs"] as const) {
    const worst = network[name];
    if (worst !== undefined && chance.chance(0.5)) values[name] = chance.next() * worst;
  }
  const { maxDelayMs = CALM_NETWORK.maxDelayMs } = network;
  values["maxDelayMs"] = chance.between(CALM_NETWORK.maxDelayMs, maxDelayMs);
  const drawn: FaultValues = values;
  return [{ atMs: 0, kind: "weather", target: NETWORK, values: drawn }];
}
