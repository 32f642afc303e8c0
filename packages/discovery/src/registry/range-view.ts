/**
 * A view of a service: the instances whose versions suit, one snapshot after another.
 */
import { deferred, type Deferred, Feed, knownOptions, Lifecycle, raceAbort } from "@quorate/core";

import type { Endpoint } from "../endpoint.ts";
import type { ServiceSnapshot, ServiceView, ServiceWaitOptions } from "../service-view.ts";
import type { Instance } from "./instances.ts";
import { makeSnapshot } from "./make-snapshot.ts";
import type { VersionRange } from "./range.ts";
import type { SharedService } from "./shared-service.ts";

/** One view. */
export class RangeView implements ServiceView {
  readonly service: string;
  readonly range: string;
  readonly #shared: SharedService;
  readonly #range: VersionRange;
  readonly #lifecycle: Lifecycle;
  readonly #listeners = new Set<(snapshot: ServiceSnapshot) => void>();
  readonly #feeds = new Set<Feed<ServiceSnapshot>>();
  readonly #leave: () => void;
  #instances: readonly Instance[] = [];
  #snapshot: ServiceSnapshot;
  #news: Deferred<void> = deferred();

  constructor(shared: SharedService, range: VersionRange, onEnd: () => void) {
    const { service, backend } = shared.parts;
    this.service = service;
    this.range = range.text;
    this.#shared = shared;
    this.#range = range;
    this.#lifecycle = new Lifecycle(`the view of ${service}`, backend.runtime);
    this.#snapshot = this.#make(0, false);
    const leave = shared.join(() => this.#changed());
    this.#leave = () => {
      leave();
      onEnd();
    };
    // Another view may have learnt the list already.
    if (!shared.instances.isStale || shared.instances.staleSinceMs !== undefined) this.#changed();
  }

  get snapshot(): ServiceSnapshot {
    return this.#snapshot;
  }

  endpoint(id: string): Endpoint | undefined {
    const { endpoints, draining } = this.#snapshot;
    const isIt = (endpoint: Endpoint): boolean => endpoint.id === id;
    return endpoints.find(isIt) ?? draining.find(isIt);
  }

  onChange(listener: (snapshot: ServiceSnapshot) => void): () => void {
    this.#lifecycle.assertOpen();
    const member = (snapshot: ServiceSnapshot): void => listener(snapshot);
    this.#listeners.add(member);
    return () => void this.#listeners.delete(member);
  }

  watch(options: ServiceWaitOptions = {}): AsyncIterableIterator<ServiceSnapshot> {
    const { signal } = knownOptions("options", options, ["signal"]);
    this.#lifecycle.assertOpen();
    const feed: Feed<ServiceSnapshot> = new Feed<ServiceSnapshot>({
      signal,
      onEnd: () => void this.#feeds.delete(feed),
    });
    if (signal?.aborted === true) return feed;
    this.#feeds.add(feed);
    feed.push("snapshot", this.#snapshot);
    return feed;
  }

  async ready(options: ServiceWaitOptions = {}): Promise<ServiceSnapshot> {
    const { signal } = knownOptions("options", options, ["signal"]);
    for (;;) {
      this.#lifecycle.assertOpen();
      signal?.throwIfAborted();
      if (this.#snapshot.endpoints.length > 0) return this.#snapshot;
      await raceAbort(this.#news.promise, signal);
    }
  }

  close(): Promise<void> {
    return this.#lifecycle.close(0, () => {
      this.#leave();
      this.#listeners.clear();
      for (const feed of [...this.#feeds]) feed.end();
      this.#news.resolve();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #changed(): void {
    const before = this.#snapshot;
    const known = this.#instances;
    const next = this.#make(before.revision + 1, before.isPanic);
    if (before.revision > 0 && isSame(known, this.#instances) && isAlike(before, next)) return;
    this.#snapshot = next;
    if (next.isPanic !== before.isPanic) this.#tellPanic(next);
    for (const listener of [...this.#listeners]) this.#call(listener, next);
    for (const feed of this.#feeds) feed.push("snapshot", next);
    this.#news.resolve();
    this.#news = deferred();
  }

  #make(revision: number, wasPanic: boolean): ServiceSnapshot {
    const { instances, isDropped, nowMs, parts } = this.#shared;
    const all = isDropped ? [] : [...instances.all];
    this.#instances = all.filter(({ record }) => this.#range.suits(record.version));
    const { isStale, staleSinceMs } = instances;
    const { panicShare } = parts.options;
    return makeSnapshot({
      ...{ revision, isStale, staleSinceMs, panicShare, wasPanic, nowMs },
      service: this.service,
      instances: this.#instances,
    });
  }

  #tellPanic({ isPanic, endpoints, doubted }: ServiceSnapshot): void {
    const { service, range } = this;
    const up = endpoints.length - doubted.size;
    const event = { service, range, isPanic, up, doubted: doubted.size };
    this.#shared.parts.events.panic.publish(event);
  }

  #call(listener: (snapshot: ServiceSnapshot) => void, snapshot: ServiceSnapshot): void {
    try {
      listener(snapshot);
    } catch (error) {
      this.#shared.parts.events.listenerFailed.publish({ service: this.service, error });
    }
  }
}

/** An instance is the same object until something about it is another. */
function isSame(left: readonly Instance[], right: readonly Instance[]): boolean {
  return left.length === right.length && left.every((instance, index) => instance === right[index]);
}

function isAlike(left: ServiceSnapshot, right: ServiceSnapshot): boolean {
  return left.isStale === right.isStale && left.isPanic === right.isPanic;
}
