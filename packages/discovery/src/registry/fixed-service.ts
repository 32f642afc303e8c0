/**
 * A service whose instances are known beforehand: for callers without a registry, and for tests.
 */
import { Feed, Lifecycle, onAbort, systemRuntime } from "@quorate/core";
import type { Endpoint } from "../endpoint.ts";
import type { ServiceSnapshot, ServiceView, ServiceWaitOptions } from "../service-view.ts";
import { checkService } from "./options.ts";

/** What must be said of an instance; the rest has defaults. */
export type FixedEndpoint = Pick<Endpoint, "address"> & Partial<Endpoint>;

/**
 * A view that never changes. An instance that names no `id` is called by its address.
 *
 * @throws INVALID_ARGUMENT
 *
 * @example
 * import { fixedService } from "@quorate/discovery";
 * const billing = fixedService("billing", [{ address: "http://10.0.0.7:8080" }]);
 * console.log(billing.snapshot.endpoints.length); // => 1
 */
export function fixedService(service: string, endpoints: readonly FixedEndpoint[]): ServiceView {
  return new FixedService(checkService(service), endpoints);
}

class FixedService implements ServiceView {
  readonly service: string;
  readonly range = "*";
  readonly snapshot: ServiceSnapshot;
  readonly #lifecycle: Lifecycle;

  constructor(service: string, given: readonly FixedEndpoint[]) {
    this.service = service;
    this.#lifecycle = new Lifecycle(`the view of ${service}`, systemRuntime);
    const endpoints = given.map((endpoint) => filledIn(service, endpoint));
    const up = endpoints.filter(({ state }) => state === "up");
    const draining = endpoints.filter(({ state }) => state === "draining");
    this.snapshot = Object.freeze({
      ...{ service, revision: 1, draining, madeMs: 0 },
      endpoints: up.length === 0 ? draining : up,
      doubted: new Set<string>(),
      ...{ isPanic: false, isStale: false, staleSinceMs: undefined },
    });
  }

  endpoint(id: string): Endpoint | undefined {
    const { endpoints, draining } = this.snapshot;
    return [...endpoints, ...draining].find((endpoint) => endpoint.id === id);
  }

  onChange(): () => void {
    this.#lifecycle.assertOpen();
    return () => {};
  }

  watch({ signal }: ServiceWaitOptions = {}): AsyncIterableIterator<ServiceSnapshot> {
    this.#lifecycle.assertOpen();
    let unsubscribe = (): void => {};
    const feed = new Feed<ServiceSnapshot>({ signal, onEnd: () => unsubscribe() });
    if (signal?.aborted === true) return feed;
    unsubscribe = onAbort(this.#lifecycle.stopping, () => feed.end());
    feed.push("snapshot", this.snapshot);
    return feed;
  }

  async ready({ signal }: ServiceWaitOptions = {}): Promise<ServiceSnapshot> {
    this.#lifecycle.assertOpen();
    signal?.throwIfAborted();
    return this.snapshot;
  }

  close(): Promise<void> {
    return this.#lifecycle.close(0, () => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function filledIn(service: string, endpoint: FixedEndpoint): Endpoint {
  return Object.freeze({
    ...{ id: endpoint.address, version: "0.0.0", zone: "", weight: 1, warmUpMs: 0, ageMs: 0 },
    state: "up" as const,
    ...endpoint,
    service,
  });
}
