/**
 * Where a fleet lives in the store: one record, one summary for each instance that spoke, one
 * lease. All keys are below one prefix, which is what its instances watch.
 */

/** Names of a fleet's things. */
export interface Place {
  /** Prefix to watch. */
  readonly prefix: string;
  /** Key of the record. */
  readonly record: string;
  /** Name of the probe lease. */
  readonly lease: string;
}

/** Below it are all fleets. */
export const FLEETS = "breaker/";

/** The place of the fleet called `name`. */
export function placeOf(name: string): Place {
  const prefix = `${FLEETS}${name}/`;
  return { prefix, record: `${prefix}fleet`, lease: `${prefix}probe` };
}

/** Key of an instance's summary. */
export function summaryKey({ prefix }: Place, instance: string): string {
  return `${prefix}seen/${instance}`;
}

/** Whose summary `key` is; `undefined` for any other key. */
export function instanceOf({ prefix }: Place, key: string): string | undefined {
  const start = `${prefix}seen/`;
  if (!key.startsWith(start)) return undefined;
  const instance = key.slice(start.length);
  return instance.includes("/") ? undefined : instance;
}

/** Whose key it is; `undefined`: no fleet's. */
export function fleetOf(key: string): string | undefined {
  const end = key.indexOf("/", FLEETS.length);
  return key.startsWith(FLEETS) && end > 0 ? key.slice(FLEETS.length, end) : undefined;
}
