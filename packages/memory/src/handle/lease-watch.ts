/**
 * One watch of leases: who holds, `synced`, grants and ends; `stale` around each outage.
 *
 * A claim is told once as granted and once as ended. If it came and went unread, it is not told at
 * all. Events are never put in another's place, so those of one name stay in order; what is unread
 * is bounded by the claims alive and those that the reader still believes in.
 */
import type { Feed, LeaseEvent } from "@quorate/core";
import type { Holder, LeaseLine } from "../store/lease-line.ts";
import type { NamedEffect } from "../store/lease-table.ts";
import { toHolder } from "./entry.ts";
import { LinkWatch } from "./link-watch.ts";
import type { Process } from "./process.ts";

interface State {
  readonly lines: readonly (readonly [string, LeaseLine])[];
  readonly nowMs: number;
}

interface Told {
  readonly name: string;
  readonly owner: string;
  readonly fencingToken: number;
}

/** A watch, and the feed that its reader holds. */
export class LeaseWatch {
  readonly feed: Feed<LeaseEvent>;
  /** Claims told as granted and not as ended, by `idOf`. */
  readonly #told = new Map<string, Told>();

  constructor(process: Process, target: string, signal: AbortSignal | undefined) {
    const { space } = process;
    const watch = new LinkWatch<LeaseEvent, State, NamedEffect>(process, signal, {
      subscribe: (hear) => space.leaseWatches.add(target, hear),
      state: () => space.lines(target),
      sync: (state) => this.#sync(state),
      apply: (effect, nowMs) => this.#apply(effect, nowMs),
      forget: () => this.#told.clear(),
    });
    this.feed = watch.feed;
    watch.start(signal);
  }

  #sync(state: State): void {
    const alive = new Set<string>();
    for (const [name, { holders }] of state.lines) {
      for (const { owner, token } of holders) alive.add(idOf(name, owner, token));
    }
    for (const [id, claim] of [...this.#told]) if (!alive.has(id)) this.#tellEnd(claim, "unknown");
    for (const [name, { holders }] of state.lines) {
      for (const holder of holders) this.#tellGrant(name, holder, state.nowMs);
    }
  }

  #apply(effect: NamedEffect, nowMs: number): void {
    const { name } = effect;
    if (effect.kind === "granted") return this.#tellGrant(name, effect.holder, nowMs);
    const { owner, token: fencingToken, reason } = effect;
    this.#tellEnd({ name, owner, fencingToken }, reason);
  }

  #tellGrant(name: string, holder: Holder, nowMs: number): void {
    const { owner, token: fencingToken } = holder;
    const id = idOf(name, owner, fencingToken);
    if (this.#told.has(id)) return;
    this.#told.set(id, { name, owner, fencingToken });
    this.feed.push(id, { kind: "granted", name, holder: toHolder(holder, nowMs) });
  }

  #tellEnd(claim: Told, reason: "released" | "expired" | "unknown"): void {
    const id = idOf(claim.name, claim.owner, claim.fencingToken);
    if (!this.#told.delete(id) || this.feed.retract(id)) return;
    this.feed.push(id, { kind: "ended", ...claim, reason });
  }
}

/** A name, owner and token in one string; only the owner may have odd characters, so it is last. */
function idOf(name: string, owner: string, token: number): string {
  return `${name}\0${token}\0${owner}`;
}
