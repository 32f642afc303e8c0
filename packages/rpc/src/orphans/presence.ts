/**
 * Presence: the lease by which a client shows that it lives, and whose token is its epoch.
 *
 * Claimed when the first call is made, which does not wait for it: calls without an epoch are
 * calls too, their orphans end by their deadlines. Renewed at a third of its length. When it is
 * lost (the process was away) it is claimed anew by the same owner, which is this life of the
 * client: so servers tell a client that came back from one that was restarted. Lives of one name
 * share its lease, each with a token of its own, and the greatest is the life that counts.
 *
 * Guarantees: never throws, never keeps a call waiting, one exchange with the store at a time.
 * Does not guarantee that the lease is held at every moment: while the store is away it is not.
 */
import {
  type Grant,
  leaseLeftMs,
  type LeaseStore,
  leaseWindow,
  type Ms,
  QuorateError,
  sleep,
} from "@quorate/core";
import type { Backend, Runtime } from "@quorate/core";
import type { Identity } from "../client/connection.ts";
import type { PresenceSettings } from "./presence-options.ts";
import { presenceOf } from "./presence-name.ts";

const PERIODS_PER_LEASE = 3;
const TRIES_PER_LEASE = 12;
const MIN_PAUSE_MS = 20;
/** A client that is closed waits no longer for the store. */
const GOODBYE_MS = 500;
/** Lives of one name whose leases may overlap: those of a process that crashes in a loop. */
const LIVES = 1_000;

/** What a presence is made of. */
export interface PresenceParts {
  readonly leases: LeaseStore;
  readonly runtime: Runtime;
  /** What it calls. */
  readonly service: string;
  /** Name of the client, the same over its restarts; `undefined`: its life. */
  readonly name: string | undefined;
  /** This life of the client. */
  readonly life: string;
  /** How long after its death others know of it. */
  readonly leaseMs: Ms;
}

/** The presence of a client's life; `undefined` where none is wanted. */
export function presenceFor(
  { leases, runtime }: Pick<Backend, "leases" | "runtime">,
  service: string,
  life: string,
  settings: PresenceSettings | undefined,
): Presence | undefined {
  if (settings === undefined) return undefined;
  return new Presence({ leases, runtime, service, life, ...settings });
}

/** Shows that one client lives. */
export class Presence implements Identity {
  readonly name: string | undefined;
  readonly #parts: PresenceParts;
  readonly #stop = new AbortController();
  #grant: Grant | undefined;
  #held: Promise<void> | undefined;

  constructor(parts: PresenceParts) {
    this.name = parts.name;
    this.#parts = parts;
  }

  /** The epoch to tell with a call; `undefined` while no lease is known to be held. */
  get epoch(): number | undefined {
    const grant = this.#grant;
    if (grant === undefined || leaseLeftMs(this.#parts.runtime.time, grant) <= 0) return undefined;
    return grant.fencingToken;
  }

  /** A call is made: from the first on the lease is held. Cheap. */
  onSend(): void {
    this.#held ??= this.#hold();
  }

  /** Gives the lease back, so that servers know at once. Never throws. */
  async close(): Promise<void> {
    const details = { what: "the client" };
    this.#stop.abort(
      new QuorateError("CLOSED", "the client was closed", { effect: "none", details }),
    );
    await this.#held;
    const grant = this.#grant;
    this.#grant = undefined;
    if (grant !== undefined) await this.#give(grant);
  }

  /** Where the store is away, the lease ends by itself. */
  async #give(grant: Grant): Promise<void> {
    await this.#parts.leases.release(grant, { timeoutMs: GOODBYE_MS }).catch(() => {});
  }

  async #hold(): Promise<void> {
    const { runtime } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const pauseMs = await this.#turn();
      await sleep(runtime, pauseMs, { signal, keepAlive: false }).catch(() => {});
    }
  }

  /** One exchange with the store; how long until the next. */
  async #turn(): Promise<Ms> {
    const { leaseMs } = this.#parts;
    const againMs = Math.max(MIN_PAUSE_MS, leaseMs / TRIES_PER_LEASE);
    try {
      const isHeld =
        this.#grant === undefined ? await this.#claim() : await this.#renew(this.#grant);
      return isHeld ? leaseMs / PERIODS_PER_LEASE : againMs;
    } catch {
      return againMs; // The store is away, or the client is closed. Nobody waits for this.
    }
  }

  /** False: more lives of this name hold it than there can be. */
  async #claim(): Promise<boolean> {
    const { leases, leaseMs: ttlMs, life: owner, service } = this.#parts;
    const timeoutMs = ttlMs / PERIODS_PER_LEASE;
    const { signal } = this.#stop;
    const lease = presenceOf(service, this.name ?? owner);
    // A new life does not wait until the old one's lease has ended: its greater token ends it.
    const claim = { owner, ttlMs, timeoutMs, signal, capacity: LIVES };
    const claimed = await leases.acquire(lease, claim);
    if (claimed.granted) this.#grant = claimed;
    return claimed.granted;
  }

  /** False: it is lost, and is claimed anew at the next turn. */
  async #renew(grant: Grant): Promise<boolean> {
    const { leases, leaseMs, runtime } = this.#parts;
    const { signal } = this.#stop;
    const window = leaseWindow(runtime.time, leaseMs);
    const timeoutMs = leaseMs / PERIODS_PER_LEASE;
    const [renewal] = await leases.renew([grant], { timeoutMs, signal });
    this.#grant = renewal === "renewed" ? { ...grant, ...window } : undefined;
    return renewal === "renewed";
  }
}
