/**
 * One claim on its way to a grant: ask, stand in line, confirm, and leave without a trace.
 *
 * The store decides; this is the conversation. A waiter sleeps until the store rings, the link
 * comes back, the time is up or the caller gives up. Rung, it confirms: only the answer to that
 * makes a grant, and the answer's window counts from before the question left. After an outage, or
 * a turn that lapsed, it asks again with the same owner, which is the same claim.
 */
import {
  type CheckedLease,
  deferred,
  type Deferred,
  type Grant,
  isQuorateError,
  leaseLeftMs,
  type LeaseWindow,
  leaseWindow,
  onAbort,
  QuorateError,
  type Refusal,
} from "@quorate/core";
import type { Holder, LeaseLine } from "../store/lease-line.ts";
import { toHolder } from "./entry.ts";
import type { LeaseWaits } from "./lease-waits.ts";
import type { Process } from "./process.ts";

/** How long to rest before asking a store that did not answer again. */
const RETRY_MS = 50;

/** Where the conversation stands. */
type Stand =
  | { readonly kind: "granted"; readonly holder: Holder; readonly window: LeaseWindow }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "waiting" };

/** The conversation of one `acquire`. */
export class Acquisition {
  readonly #process: Process;
  readonly #waits: LeaseWaits;
  readonly #request: CheckedLease;
  readonly #giveUpAtMs: number;
  /** A wake-up call; what it was about is looked up after it. */
  #nudge: Deferred<void> = deferred();
  #rung: Holder | undefined;
  #isTimeUp = false;

  constructor(process: Process, waits: LeaseWaits, request: CheckedLease) {
    this.#process = process;
    this.#waits = waits;
    this.#request = request;
    this.#giveUpAtMs = process.runtime.time.monotonicMs() + request.waitMs;
  }

  /** Talks until there is a grant, a refusal, or an error. */
  async run(): Promise<Grant | Refusal> {
    const { name, owner, signal, waitMs } = this.#request;
    const { lifecycle, runtime } = this.#process;
    const nudge = (): void => this.#nudge.resolve();
    const ring = (holder: Holder): void => {
      this.#rung = holder;
      nudge();
    };
    const offs = [
      this.#waits.add(name, owner, { granted: ring, again: nudge }),
      onAbort(lifecycle.stopping, nudge),
      onAbort(signal, nudge),
    ];
    const timeIsUp = (): void => {
      this.#isTimeUp = true;
      nudge();
    };
    if (waitMs === 0) this.#isTimeUp = true;
    else if (waitMs !== Infinity) {
      const timer = runtime.time.setTimer(waitMs, timeIsUp);
      offs.push(() => timer.cancel());
    }
    try {
      return await this.#converse();
    } finally {
      for (const off of offs) off();
    }
  }

  async #converse(): Promise<Grant | Refusal> {
    let stand = await this.#ask();
    for (;;) {
      this.#throwIfGivenUp();
      if (stand.kind === "refused") return stand.refusal;
      if (stand.kind === "granted") {
        const inTime = leaseLeftMs(this.#process.runtime.time, stand.window) > 0;
        if (inTime) return toGrant(this.#request, stand.holder, stand.window);
        // A late grant is not one: its holder would believe in what is over.
        this.#leave();
      } else {
        await this.#nudge.promise;
        this.#nudge = deferred();
        this.#throwIfGivenUp();
      }
      if (this.#isTimeUp) return this.#refuse();
      stand = await this.#goOn();
    }
  }

  /** Confirms what rang, or asks again. No answer: still waiting, and to be asked again. */
  async #goOn(): Promise<Stand> {
    const rung = this.#rung;
    this.#rung = undefined;
    try {
      const confirmed = rung === undefined ? undefined : await this.#confirm(rung);
      return confirmed ?? (await this.#ask());
    } catch (error) {
      const isLinkTrouble =
        isQuorateError(error, "STORE_UNAVAILABLE") || isQuorateError(error, "OUTCOME_UNKNOWN");
      if (!isLinkTrouble) throw error;
      const { link, runtime } = this.#process;
      // With no link there is nothing to ask; `up` will wake us.
      if (link.isUp) runtime.time.setTimer(RETRY_MS, () => this.#nudge.resolve());
      return { kind: "waiting" };
    }
  }

  /** The first renewal confirms. `undefined`: the turn had lapsed. */
  async #confirm(holder: Holder): Promise<Stand | undefined> {
    const { runtime, space } = this.#process;
    const { name, owner, ttlMs } = this.#request;
    const window = leaseWindow(runtime.time, ttlMs);
    const input = { kind: "renew", owner, token: holder.token, ttlMs } as const;
    const { answer } = await this.#exchange("leases.confirm", () => space.lease(name, input));
    return answer.kind === "renewed" ? { kind: "granted", holder, window } : undefined;
  }

  async #ask(): Promise<Stand> {
    const { runtime, space, id } = this.#process;
    const { name, owner, weight, capacity, ttlMs, fair, data } = this.#request;
    const claim = { owner, process: id, weight, capacity, ttlMs, fair, data };
    const window = leaseWindow(runtime.time, ttlMs);
    const leftMs = this.#giveUpAtMs - runtime.time.monotonicMs();
    const input = { kind: "claim", claim, waitMs: Math.max(0, leftMs) } as const;
    const step = await this.#exchange("leases.acquire", () => space.lease(name, input));
    if (step.answer.kind === "granted") return { ...step.answer, window };
    if (step.answer.kind === "waiting") return { kind: "waiting" };
    return { kind: "refused", refusal: toRefusal(step) };
  }

  /** The time is up: leaves the line and says who holds. */
  async #refuse(): Promise<Refusal> {
    const { name, owner } = this.#request;
    const { space } = this.#process;
    const input = { kind: "release", owner, token: undefined } as const;
    try {
      return toRefusal(await this.#exchange("leases.leave", () => space.lease(name, input)));
    } catch (error) {
      // We were in line, and cannot say that we are out of it.
      if (!isQuorateError(error, "STORE_UNAVAILABLE")) throw error;
      throw this.#unknown(error);
    }
  }

  /** Gives back whatever this owner has, without waiting for an answer. */
  #leave(): void {
    const { name, owner } = this.#request;
    const { space, store, link, bounds } = this.#process;
    const input = { kind: "release", owner, token: undefined } as const;
    const { requestTimeoutMs: timeoutMs } = bounds;
    const operation = "leases.leave";
    const run = (): unknown => store.serve("write", operation, () => space.lease(name, input));
    // Where the store cannot be reached the TTL gives back.
    link.call({ operation, kind: "read", timeoutMs, signal: undefined, run }).catch(() => {});
  }

  async #exchange<T>(operation: string, run: () => T): Promise<T> {
    const { name: key, timeoutMs, signal } = this.#request;
    const { link } = this.#process;
    try {
      return await link.call({ operation, key, kind: "write", timeoutMs, signal, run });
    } catch (error) {
      if (signal?.aborted !== true) throw error;
      this.#leave();
      throw signal.reason;
    }
  }

  #throwIfGivenUp(): void {
    const { stopping } = this.#process.lifecycle;
    const { signal } = this.#request;
    if (!stopping.aborted && signal?.aborted !== true) return;
    this.#leave();
    throw signal?.aborted === true ? signal.reason : stopping.reason;
  }

  #unknown(cause: unknown): QuorateError {
    const { name: key } = this.#request;
    const message = `no connection to leave the line of ${key}; it may be granted until its TTL`;
    const details = { operation: "leases.acquire", key };
    return new QuorateError("OUTCOME_UNKNOWN", message, { effect: "unknown", details, cause });
  }
}

function toRefusal(step: { readonly line: LeaseLine; readonly nowMs: number }): Refusal {
  const holders = step.line.holders.map((holder) => toHolder(holder, step.nowMs));
  return { granted: false, holders };
}

function toGrant(request: CheckedLease, holder: Holder, window: LeaseWindow): Grant {
  const { name, owner, ttlMs } = request;
  const { token: fencingToken, weight } = holder;
  return { granted: true, name, owner, fencingToken, weight, ttlMs, ...window };
}
