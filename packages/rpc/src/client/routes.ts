/**
 * Where a call goes: to the service's queue, or to an instance that a balancer picked.
 */
import { type Deferred, deferred, QuorateError } from "@quorate/core";
import type { Balancer, PickOutcome, ServiceSnapshot, ServiceView } from "@quorate/discovery";
import { callSubject, instanceSubject, type ServiceName } from "../subjects.ts";

/** Where one attempt goes. */
export interface Route {
  readonly subject: string;
  /** `undefined`: any. */
  readonly instance: string | undefined;
  /** The attempt has ended; `undefined`: nobody wants to know. */
  readonly end: ((outcome: PickOutcome) => void) | undefined;
}

/** Chooses routes. */
export interface Routes {
  /** A route for a call; `avoid`: instances that it has tried. Throws where there is none. */
  pick(key: string | undefined, avoid: ReadonlySet<string> | undefined): Route;
  /** Resolves when the instances are known; `undefined`: they are. */
  readonly known: Promise<void> | undefined;
  close(): void;
}

/** All calls go to the queue, and the bus chooses. */
export function queueRoutes(service: ServiceName): Routes {
  const route: Route = { subject: callSubject(service), instance: undefined, end: undefined };
  return { pick: () => route, known: undefined, close: () => {} };
}

/** What balanced routes tell of: instances whose registration has ended. */
export type OnGone = (isGone: (instance: string) => boolean) => void;

/** The balancer chooses among the instances that the view shows. */
export class BalancedRoutes implements Routes {
  readonly #service: ServiceName;
  readonly #balancer: Balancer;
  readonly #off: () => void;
  #known: Deferred<void> | undefined;

  constructor(service: ServiceName, view: ServiceView, balancer: Balancer, onGone: OnGone) {
    this.#service = service;
    this.#balancer = balancer;
    balancer.update(view.snapshot.endpoints);
    if (view.snapshot.revision === 0) this.#known = deferred<void>();
    this.#off = view.onChange((snapshot) => {
      if (snapshot.revision > 0) this.#learn();
      balancer.update(snapshot.endpoints);
      onGone((instance) => isGone(snapshot, instance));
    });
  }

  get known(): Promise<void> | undefined {
    return this.#known?.promise;
  }

  pick(key: string | undefined, avoid: ReadonlySet<string> | undefined): Route {
    const pick = this.#balancer.pick({ key, avoid });
    if (pick === undefined) throw this.#nobody();
    const { id } = pick.endpoint;
    return {
      subject: instanceSubject(this.#service, id),
      instance: id,
      end: (outcome) => pick.end(outcome),
    };
  }

  close(): void {
    this.#off();
    this.#learn();
  }

  #learn(): void {
    this.#known?.resolve();
    this.#known = undefined;
  }

  #nobody(): QuorateError<"NO_RESPONDERS"> {
    const subject = callSubject(this.#service);
    const message = `no instance of ${this.#service.name} is registered; nothing ran`;
    return new QuorateError("NO_RESPONDERS", message, { effect: "none", details: { subject } });
  }
}

/** Its lease has ended; one that only drains has not. */
function isGone({ doubted, draining, endpoints }: ServiceSnapshot, instance: string): boolean {
  if (doubted.has(instance)) return true;
  const isHere = ({ id }: { readonly id: string }): boolean => id === instance;
  return !endpoints.some(isHere) && !draining.some(isHere);
}
