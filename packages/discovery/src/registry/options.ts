/**
 * Options of the registry: their defaults, and the checks before anything is sent.
 */
import {
  boundedString,
  checkName,
  inRange,
  invalidArgument,
  knownOptions,
  type Ms,
  nonNegative,
  positive,
  type Runtime,
  ttl,
} from "@quorate/core";
import { type InstanceRecord, isVersion, isZone, MAX_WARM_UP_MS, MAX_WEIGHT } from "./record.ts";

const MIN_TTL_MS = 100;
const MAX_ADDRESS_BYTES = 1_024;

/** Options of `createRegistry`. */
export interface RegistryOptions {
  /**
   * Length of a registration's lease, at least 100: so long may callers be sent to an instance
   * that crashed. @default 10000
   */
  readonly ttlMs?: Ms;
  /** Time in which every caller has surely heard what the store tells. @default 1000 */
  readonly watchDelayMs?: Ms;
  /**
   * Share of the last known instances, 0 to 1: when fewer are left unasked, the registry is
   * doubted and all last known are used. 0: never. @default 0.5
   */
  readonly panicShare?: number;
  /** How long an instance is used after its registration ended, in panic. @default 60000 */
  readonly panicMaxMs?: Ms;
  /** How old the last known list may get while the store is away. @default 3600000 */
  readonly maxStaleMs?: Ms;
}

/** The options of a registry, checked and filled in. */
export type CheckedRegistryOptions = Required<RegistryOptions>;

/** One instance of a service. */
export interface InstanceOptions {
  /** The service's name: segments joined by `/`. */
  readonly service: string;
  /** Its version, as `1.4.0`. */
  readonly version: string;
  /** Where it is asked, 1 to 1024 bytes: a subject of the bus, a URL. */
  readonly address: string;
  /** Where it runs, at most 128 bytes. @default "" */
  readonly zone?: string;
  /** Its share of the calls beside others', 0 to 1000000. @default 1 */
  readonly weight?: number;
  /** How long it gets less than its share, at most an hour. @default 0 */
  readonly warmUpMs?: Ms;
  /** Names this life of the instance: one segment; never twice. @default a random one */
  readonly id?: string;
}

/** What an instance may change while it is registered. */
export interface InstanceUpdate {
  /** Its share of the calls from now on. */
  readonly weight: number;
}

/** An instance, checked. */
export interface CheckedInstance {
  readonly service: string;
  readonly id: string;
  readonly address: string;
  readonly record: InstanceRecord;
}

const NAMES = ["ttlMs", "watchDelayMs", "panicShare", "panicMaxMs", "maxStaleMs"] as const;
const INSTANCE_NAMES = [
  "service",
  "version",
  "address",
  "zone",
  "weight",
  "warmUpMs",
  "id",
] as const;

/** Checks the options of a registry. */
export function checkRegistryOptions(options: RegistryOptions): CheckedRegistryOptions {
  knownOptions("options", options, NAMES);
  const { maxStaleMs = 3_600_000 } = options;
  return {
    ttlMs: ttl("ttlMs", options.ttlMs ?? 10_000, MIN_TTL_MS),
    watchDelayMs: nonNegative("watchDelayMs", options.watchDelayMs ?? 1_000),
    panicShare: inRange("panicShare", options.panicShare ?? 0.5, 0, 1),
    panicMaxMs: positive("panicMaxMs", options.panicMaxMs ?? 60_000),
    maxStaleMs: maxStaleMs === Infinity ? maxStaleMs : positive("maxStaleMs", maxStaleMs),
  };
}

/** Checks an instance. */
export function checkInstance(options: InstanceOptions, runtime: Runtime): CheckedInstance {
  knownOptions("options", options, INSTANCE_NAMES);
  const { version, zone = "", address } = options;
  if (!isVersion(version)) {
    throw invalidArgument("version", version, "a version of semver.org, as 1.4.0");
  }
  if (!isZone(zone)) throw invalidArgument("zone", zone, "a string of at most 128 bytes");
  return {
    service: checkService(options.service),
    id: options.id ?? runtime.ids.unique(),
    address: boundedString("address", address, MAX_ADDRESS_BYTES),
    record: {
      ...{ version, zone, state: "up" },
      weight: checkWeight(options.weight ?? 1),
      warmUpMs: inRange("warmUpMs", options.warmUpMs ?? 0, 0, MAX_WARM_UP_MS),
    },
  };
}

/** A service's name, checked. */
export function checkService(service: string): string {
  return checkName("service", service);
}

/** An instance's weight, checked. */
export function checkWeight(weight: number): number {
  return inRange("weight", weight, 0, MAX_WEIGHT);
}
