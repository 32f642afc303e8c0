/**
 * The watch over clients that die: aborts the calls of lives that have ended.
 *
 * It begins with the first call, and follows the leases of all clients of the service. While the
 * store is away it aborts nobody, and says so by an event.
 *
 * Guarantees: what a crashed client left running here is aborted when its lease has ended and the
 * watch knows it: within the lease and the engine's expiry lag.
 * Does not guarantee that a handler stops when its signal aborts.
 */
import { isQuorateError, type LeaseEvent, type Ms, QuorateError, sleep } from "@quorate/core";
import type { Backend, EventChannel, Timer } from "@quorate/core";
import type { ClientLife, Clients } from "../server/clients.ts";
import type { HookParts, OrphanWatch } from "../server/hooks.ts";
import type { WireRequest } from "../wire/request.ts";
import { ClientEpochs, type OrphanReason, type Verdict } from "./epochs.ts";
import { clientOf, presencePrefix } from "./presence-name.ts";

/** `quorate:rpc.orphans`: what became known of clients that may have died. */
export type OrphansEvent =
  | {
      readonly kind: "aborted";
      readonly service: string;
      /** The client: its name, or the id of its life. */
      readonly client: string;
      readonly reason: OrphanReason;
      /** Calls aborted. */
      readonly calls: number;
    }
  /** The store is away, or back: while it is away nobody is found dead. */
  | { readonly kind: "stale" | "synced"; readonly service: string };

/** What a watch is made of. */
export interface OrphanParts {
  readonly backend: Pick<Backend, "leases" | "runtime">;
  readonly service: string;
  readonly clients: Clients;
  /** How long an expiry near an outage of the store is only a suspicion. */
  readonly graceMs: Ms;
}

/** Lives and names that are remembered. */
const MAX_LIVES = 10_000;
const RETRY_MS = 1_000;
/** Long enough for a client to claim its lease anew when the store is back. */
const GRACE_MS = 15_000;
const UPKEEP = { keepAlive: false } as const;

/** Watches over the clients of the server of `parts`. */
export function orphanWatch({
  backend,
  clients,
  contract,
}: Pick<HookParts, "backend" | "clients" | "contract">): OrphanWatch {
  return new Orphans({ backend, clients, service: contract.name, graceMs: GRACE_MS });
}

/** Watches over the clients of one server. */
export class Orphans implements OrphanWatch {
  readonly #parts: OrphanParts;
  readonly #epochs: ClientEpochs;
  readonly #channel: EventChannel<OrphansEvent>;
  readonly #stop = new AbortController();
  #watching: Promise<void> | undefined;
  #timer: Timer | undefined;

  constructor(parts: OrphanParts) {
    this.#parts = parts;
    this.#epochs = new ClientEpochs({ graceMs: parts.graceMs, maxLives: MAX_LIVES });
    this.#channel = parts.backend.runtime.events.channel("rpc.orphans");
  }

  onRequest(life: ClientLife, request: WireRequest): void {
    this.#watching ??= this.#watch();
    const { client: id, name } = life;
    const reason = this.#epochs.seen({ id, name, epoch: request.epoch }, this.#nowMs);
    if (reason === undefined) return;
    // It has not begun; whatever else there was of this life has been aborted before.
    this.#abort((one) => one === life, name, reason, "none");
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#stop.abort(new QuorateError("CLOSED", "the server was closed", CLOSED));
    await this.#watching;
  }

  /** Until it is closed; a watch that breaks is begun again. */
  async #watch(): Promise<void> {
    const { signal } = this.#stop;
    const { backend, service } = this.#parts;
    const leases = presencePrefix(service);
    while (!signal.aborted) {
      try {
        for await (const event of backend.leases.watch(leases, { signal })) {
          this.#hear(event);
        }
      } catch (error) {
        if (isQuorateError(error, "CLOSED")) return;
        this.#turn("stale");
      }
      await sleep(backend.runtime, RETRY_MS, { signal, keepAlive: false }).catch(() => {});
    }
  }

  #hear(event: LeaseEvent): void {
    const epochs = this.#epochs;
    const { service } = this.#parts;
    switch (event.kind) {
      case "stale":
      case "synced":
        return this.#turn(event.kind);
      case "granted": {
        const { fencingToken: epoch, owner: life } = event.holder;
        return this.#act(
          epochs.granted({ name: clientOf(service, event.name), life, epoch }, this.#nowMs),
        );
      }
      case "ended": {
        const { fencingToken: epoch, owner: life, reason } = event;
        const name = clientOf(service, event.name);
        this.#act(epochs.ended({ name, life, epoch }, reason, this.#nowMs));
        return this.#arm();
      }
    }
  }

  #turn(kind: "stale" | "synced"): void {
    const wasStale = this.#epochs.isStale;
    if (kind === "stale") this.#epochs.stale();
    else this.#epochs.synced(this.#nowMs);
    this.#arm();
    if (wasStale === (kind === "stale") || !this.#channel.hasSubscribers) return;
    this.#channel.publish({ kind, service: this.#parts.service });
  }

  #act(verdicts: readonly Verdict[]): void {
    for (const verdict of verdicts) {
      const { epoch, life, reason } = verdict;
      if (verdict.kind === "life") {
        const isOfIt = (one: ClientLife): boolean => one.client === life;
        this.#abort((one) => isOfIt(one) && (one.epoch ?? 0) <= epoch, life, reason);
      } else {
        const { name } = verdict;
        const isOther = (one: ClientLife): boolean => one.name === name && one.client !== life;
        this.#abort((one) => isOther(one) && (one.epoch ?? epoch) < epoch, name, reason);
      }
    }
  }

  #abort(
    isMeant: (life: ClientLife) => boolean,
    client: string,
    reason: OrphanReason,
    effect: "none" | "unknown" = "unknown",
  ): void {
    const { clients, service } = this.#parts;
    const calls = clients.abortWhere(isMeant, orphanedError(service, reason, effect));
    if (calls === 0 || !this.#channel.hasSubscribers) return;
    this.#channel.publish({ kind: "aborted", service, client, reason, calls });
  }

  get #nowMs(): Ms {
    return this.#parts.backend.runtime.time.monotonicMs();
  }

  /** Comes back when a suspicion may come true. */
  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const dueMs = this.#epochs.dueMs();
    if (dueMs === Infinity || this.#stop.signal.aborted) return;
    const { time } = this.#parts.backend.runtime;
    this.#timer = time.setTimer(Math.max(0, dueMs - this.#nowMs), () => this.#wake(), UPKEEP);
  }

  #wake(): void {
    this.#act(this.#epochs.due(this.#nowMs));
    this.#arm();
  }
}

const CLOSED = { effect: "none", details: { what: "the server" } } as const;

const WHY: Readonly<Record<OrphanReason, string>> = {
  released: "the caller said goodbye",
  expired: "the caller's lease has ended: it is dead, or was away too long",
  reincarnated: "the caller was restarted",
};

function orphanedError(
  service: string,
  reason: OrphanReason,
  effect: "none" | "unknown",
): QuorateError<"ABORTED"> {
  const message = `${WHY[reason]}; nobody waits for this call any more`;
  const details = { operation: `rpc ${service}` };
  return new QuorateError("ABORTED", message, { effect, details });
}
