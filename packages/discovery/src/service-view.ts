/**
 * A service as a caller sees it: which instances may be asked, and how far that list is to be
 * trusted.
 *
 * A view is a list that changes while it is held. Each change makes a new snapshot with a greater
 * revision; a snapshot itself never changes, so a balancer may keep the one that it was told of.
 *
 * Guarantees: the last known list outlives an outage of the store, and says how old it is; a list
 * that is suddenly empty or much smaller is not believed at once (panic). Does not guarantee that
 * an instance in the list is alive: it held its lease when the store last said so.
 */
import type { Ms } from "@quorate/core";
import type { Endpoint } from "./endpoint.ts";

/** The instances of a service at one moment. Never changes. */
export interface ServiceSnapshot {
  readonly service: string;
  /** Grows with each change of this view. 0: nothing is known yet. */
  readonly revision: number;
  /**
   * Instances that may be asked, by id; hand them to a balancer. All of them are `up`, except where
   * none is: then those that drain, for better one that wants no more than nobody.
   */
  readonly endpoints: readonly Endpoint[];
  /** Instances that want no more calls and still serve what they have, by id. */
  readonly draining: readonly Endpoint[];
  /**
   * Ids in `endpoints` whose registration has ended, and which are kept because so many ended at
   * once that the registry is doubted. Empty except in panic.
   */
  readonly doubted: ReadonlySet<string>;
  /** The list is used against the registry's word; see `doubted`. */
  readonly isPanic: boolean;
  /** The link to the registry is down or silent: the list is the last known one. */
  readonly isStale: boolean;
  /** When the list was last known to be whole, on this process's monotonic clock. */
  readonly staleSinceMs: Ms | undefined;
  /** When this snapshot was made, on the same clock: `Endpoint.ageMs` counts to here. */
  readonly madeMs: Ms;
}

/** What waits on a view take. */
export interface ServiceWaitOptions {
  /** Ends the wait, which rejects with its reason; for `watch` the stream does. */
  readonly signal?: AbortSignal | undefined;
}

/** The instances of a service whose versions suit, as they come and go. */
export interface ServiceView extends AsyncDisposable {
  readonly service: string;
  /** The range of versions that it shows, as `^1.2.0`; `*`: all. */
  readonly range: string;
  /** The present snapshot: the same object until something changes. */
  readonly snapshot: ServiceSnapshot;
  /** An instance by its id, also one that drains; `undefined`: not in this view. */
  endpoint(id: string): Endpoint | undefined;
  /**
   * Calls `listener` with each new snapshot, in order; not with the present one. What it throws
   * harms nobody and is told as an event. Returns the way to unsubscribe.
   */
  onChange(listener: (snapshot: ServiceSnapshot) => void): () => void;
  /**
   * The present snapshot, then each new one. A reader that falls behind gets the last one only.
   *
   * @throws CLOSED
   */
  watch(options?: ServiceWaitOptions): AsyncIterableIterator<ServiceSnapshot>;
  /**
   * Resolves once the registry has told the whole list, and there is an instance to ask; at once
   * when that is so already.
   *
   * @throws CLOSED
   */
  ready(options?: ServiceWaitOptions): Promise<ServiceSnapshot>;
  /** Gives the view up; the last one of a service ends the watch behind it. Twice is fine. */
  close(): Promise<void>;
}
