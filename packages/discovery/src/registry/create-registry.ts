/**
 * The registry: services find their instances through the store, by name and range of versions.
 *
 * An instance is a member of its service's group by a lease (`@quorate/membership`); what callers
 * need to know of it stands in that lease. A caller watches the group once, however many views it
 * has of it, and asks the store nothing per call.
 *
 * Guarantees: an instance that crashed is out of the lists within its TTL, one that left at once,
 * unless so many end together that the registry itself is doubted. Callers go on with the last
 * known list while the store is away. Does not guarantee that an instance in a list answers: a
 * balancer that ejects and a retry see to that.
 */
import {
  type Backend,
  invalidArgument,
  isQuorateError,
  knownOptions,
  Lifecycle,
} from "@quorate/core";
import { createLeaseMembership } from "@quorate/membership";

import type { ServiceView } from "../service-view.ts";
import { type RegistryEvents, registryEvents } from "./events.ts";
import {
  checkInstance,
  type CheckedRegistryOptions,
  checkRegistryOptions,
  checkService,
  type InstanceOptions,
  type RegistryOptions,
} from "./options.ts";
import { parseRange } from "./range.ts";
import { RangeView } from "./range-view.ts";
import { encodeRecord } from "./record.ts";
import { InstanceRegistration, type LeaveOptions, type Registration } from "./registration.ts";
import { groupOf, SharedService } from "./shared-service.ts";

/** How to wait for a registration. */
export interface RegisterOptions {
  /** Gives up: it rejects with the reason, and what was registered is given back. */
  readonly signal?: AbortSignal | undefined;
}

/** Where services register and are found. */
export interface Registry extends AsyncDisposable {
  /**
   * Registers an instance. Resolves once others can see it; while the store cannot be reached it
   * goes on trying, until the signal.
   *
   * @throws MEMBER_CONFLICT another instance has this id. STORE_REFUSED, INVALID_ARGUMENT,
   *   TOO_LARGE, CLOSED
   *
   * @example
   * import { createRegistry } from "@quorate/discovery";
   * import { memoryBackend } from "@quorate/memory";
   * const registry = createRegistry(memoryBackend());
   * const here = await registry.register({
   *   service: "billing",
   *   version: "1.4.0",
   *   address: "http://10.0.0.7:8080",
   * });
   * const { endpoints } = await registry.service("billing", "^1.2.0").ready();
   * console.log(endpoints.map(({ address }) => address)); // => ["http://10.0.0.7:8080"]
   * await here.drain({ delayMs: 0 });
   */
  register(instance: InstanceOptions, options?: RegisterOptions): Promise<Registration>;
  /**
   * The instances of a service whose versions suit. It begins to watch at once, in the background:
   * `ready()` waits. Close it when nobody needs it.
   *
   * @param range as npm writes it; `*`, the default, suits all
   * @throws INVALID_ARGUMENT, CLOSED
   */
  service(service: string, range?: string): ServiceView;
  /** Ends all views, and the registrations of this registry at once, without draining them. */
  close(options?: LeaveOptions): Promise<void>;
}

/**
 * A registry on a backend. Several of one backend see the same.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 */
export function createRegistry(backend: Backend, options: RegistryOptions = {}): Registry {
  if (typeof backend?.leases?.acquire !== "function") {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  return new LeaseRegistry(backend, checkRegistryOptions(options));
}

class LeaseRegistry implements Registry {
  readonly #backend: Backend;
  readonly #options: CheckedRegistryOptions;
  readonly #events: RegistryEvents;
  readonly #lifecycle: Lifecycle;
  readonly #services = new Map<string, SharedService>();
  readonly #views = new Set<RangeView>();
  readonly #registrations = new Set<Registration>();

  constructor(backend: Backend, options: CheckedRegistryOptions) {
    this.#backend = backend;
    this.#options = options;
    this.#events = registryEvents(backend.runtime.events);
    this.#lifecycle = new Lifecycle("the registry", backend.runtime);
  }

  async register(given: InstanceOptions, options: RegisterOptions = {}): Promise<Registration> {
    const { signal } = knownOptions("options", options, ["signal"]);
    const { runtime } = this.#backend;
    const instance = checkInstance(given, runtime);
    this.#lifecycle.assertOpen();
    signal?.throwIfAborted();
    const { service, id, address, record } = instance;
    const { ttlMs, watchDelayMs } = this.#options;
    const membership = createLeaseMembership(this.#backend, {
      ...{ group: groupOf(service), id, address, data: encodeRecord(record), ttlMs },
      watches: false,
    });
    const registration: InstanceRegistration = new InstanceRegistration({
      ...{ runtime, events: this.#events, membership, instance, watchDelayMs },
      onEnd: () => this.#registrations.delete(registration),
    });
    this.#registrations.add(registration);
    try {
      await membership.ready({ signal });
    } catch (error) {
      registration.leave().catch(() => {}); // Or its TTL ends it.
      throw this.#lifecycle.isClosed && isQuorateError(error, "CLOSED")
        ? this.#lifecycle.closedError()
        : error;
    }
    return registration;
  }

  service(service: string, range = "*"): ServiceView {
    checkService(service);
    const versions = parseRange(range);
    this.#lifecycle.assertOpen();
    const shared = this.#services.get(service) ?? this.#watch(service);
    const view: RangeView = new RangeView(shared, versions, () => this.#views.delete(view));
    this.#views.add(view);
    return view;
  }

  close(options: LeaveOptions = {}): Promise<void> {
    return this.#lifecycle.close(0, async () => {
      const leaving = [...this.#registrations].map((one) => one.leave(options));
      await Promise.all([...leaving, ...[...this.#views].map((view) => view.close())]);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #watch(service: string): SharedService {
    const shared: SharedService = new SharedService({
      ...{ backend: this.#backend, service, options: this.#options, events: this.#events },
      onIdle: () => {
        if (this.#services.get(service) === shared) this.#services.delete(service);
      },
    });
    this.#services.set(service, shared);
    return shared;
  }
}
