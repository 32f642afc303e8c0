/**
 * One watch of leases: who holds, `synced`, grants and ends; `stale` around each outage.
 *
 * A claim is told once as granted and once as ended. If it came and went unread, it is not told at
 * all. Events are never put in another's place, so those of one name stay in order; what is unread
 * is bounded by the claims alive and those that the reader still believes in.
 */
import { Feed, type LeaseEvent } from "@quorate/core";
import type { Holder, LeaseLine } from "../store/lease-line.ts";
import type { NamedEffect } from "../store/lease-table.ts";
import { toHolder } from "./entry.ts";
import type { LinkListener } from "./link.ts";
import type { Process } from "./process.ts";

const SYNCED = "\0synced";
const STALE = "\0stale";

interface Told {
  readonly name: string;
  readonly owner: string;
  readonly fencingToken: number;
}

/** A watch, and the feed that its reader holds. */
export class LeaseWatch implements LinkListener {
  readonly feed: Feed<LeaseEvent>;
  readonly #process: Process;
  readonly #target: string;
  /** Claims told as granted and not as ended, by `idOf`. */
  readonly #told = new Map<string, Told>();
  readonly #onStopping = (): void => this.feed.end();
  #unsubscribe: (() => void) | undefined;

  constructor(process: Process, target: string, signal: AbortSignal | undefined) {
    this.#process = process;
    this.#target = target;
    this.feed = new Feed<LeaseEvent>({ signal, onEnd: () => this.#stop() });
    if (signal?.aborted === true) return;
    process.link.listeners.add(this);
    process.lifecycle.stopping.addEventListener("abort", this.#onStopping, { once: true });
    if (process.link.isUp) this.up();
    else this.down(process.link.downSinceMs);
  }

  down(sinceMs: number): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.silent(sinceMs);
  }

  silent(sinceMs: number): void {
    this.feed.retract(SYNCED);
    this.feed.push(STALE, { kind: "stale", sinceMs });
  }

  heard(): void {
    this.#process.link.push(() => this.#tellSynced());
  }

  up(): void {
    const { store, space, link } = this.#process;
    store.submit(() => {
      if (!link.isUp || !link.listeners.has(this) || this.#unsubscribe !== undefined) return;
      this.#unsubscribe = space.leaseWatches.add(this.#target, (effect) => {
        const { ms } = store.clock.now();
        link.push(() => this.#apply(effect, ms));
      });
      const state = space.lines(this.#target);
      link.push(() => this.#sync(state));
    });
  }

  #sync(state: { lines: readonly (readonly [string, LeaseLine])[]; nowMs: number }): void {
    const alive = new Set<string>();
    for (const [name, { holders }] of state.lines) {
      for (const { owner, token } of holders) alive.add(idOf(name, owner, token));
    }
    for (const [id, claim] of [...this.#told]) if (!alive.has(id)) this.#tellEnd(claim, "unknown");
    for (const [name, { holders }] of state.lines) {
      for (const holder of holders) this.#tellGrant(name, holder, state.nowMs);
    }
    this.#tellSynced();
  }

  /** Always last: an unread one from before would be in the wrong place. */
  #tellSynced(): void {
    this.feed.retract(SYNCED);
    this.feed.push(SYNCED, { kind: "synced" });
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

  #stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.#told.clear();
    this.#process.link.listeners.delete(this);
    this.#process.lifecycle.stopping.removeEventListener("abort", this.#onStopping);
  }
}

/** A name, owner and token in one string; only the owner may have odd characters, so it is last. */
function idOf(name: string, owner: string, token: number): string {
  return `${name}\0${token}\0${owner}`;
}
