/**
 * The line of one process: its waiters, found by the pushes that are for them.
 *
 * Guarantees: a push that finds nobody (the claimant has left, or died in an earlier life of this
 * backend) gives the grant back at once, if nobody has confirmed it.
 */
import type { CheckedLease, Grant, Ms, Refusal } from "@quorate/core";
import { encodeName, onAbort } from "@quorate/core";
import type { Partition, Partitions } from "../partitions.ts";
import type { Inboxes } from "./inboxes.ts";
import type { LeaseDesk } from "./lease-desk.ts";
import { Waiter } from "./waiter.ts";
import { encodeOwner, type InboxPush } from "./wire.ts";

/** Waiters of one process. */
export class Line {
  readonly #desk: LeaseDesk;
  readonly #partitions: Partitions;
  /** Usually one each; more where one claim is asked for twice at the same time. */
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #orphan: (partition: Partition, push: InboxPush & { kind: "granted" }) => void;

  constructor(
    desk: LeaseDesk,
    partitions: Partitions,
    orphan: (partition: Partition, push: InboxPush & { kind: "granted" }) => void,
  ) {
    this.#desk = desk;
    this.#partitions = partitions;
    this.#orphan = orphan;
    // Once for all: a listener for each waiter would be looked through at each one's end.
    onAbort(desk.stopping, () => {
      for (const waiters of [...this.#waiters.values()]) {
        for (const waiter of [...waiters]) waiter.abort(desk.stopping.reason);
      }
    });
  }

  /** Stands in line for `request`; the inbox of its partition must hear. */
  async wait(request: CheckedLease, startedMs: Ms, inboxes: Inboxes): Promise<Grant | Refusal> {
    const partition = this.#partitions.of(encodeName(request.name));
    const waiter = new Waiter(this.#desk, request, {
      startedMs,
      onEnd: (ended) => this.#remove(ended),
    });
    const key = keyOf(request);
    const same = this.#waiters.get(key);
    if (same === undefined) this.#waiters.set(key, new Set([waiter]));
    else same.add(waiter);
    try {
      return await waiter.wait();
    } finally {
      inboxes.leave(partition);
    }
  }

  /** Takes a push. */
  hear(partition: Partition, push: InboxPush): void {
    if (push.kind === "ping") return;
    const waiters = this.#waiters.get(`${push.field}\n${push.owner}`);
    if (waiters !== undefined) for (const waiter of [...waiters]) waiter.hear(push);
    else if (push.kind === "granted") this.#orphan(partition, push);
  }

  /** Pushes may have been missed: all who wait there, or anywhere, ask again. */
  doubt(partition: Partition | undefined): void {
    for (const waiters of [...this.#waiters.values()]) {
      for (const waiter of [...waiters]) {
        const at = this.#partitions.of(encodeName(waiter.request.name));
        if (partition === undefined || at === partition) waiter.ask();
      }
    }
  }

  /** Encoded names that somebody waits for, by partition. */
  names(): ReadonlyMap<Partition, ReadonlySet<string>> {
    const names = new Map<Partition, Set<string>>();
    for (const key of this.#waiters.keys()) {
      const field = key.slice(0, key.indexOf("\n"));
      const at = this.#partitions.of(field);
      names.set(at, (names.get(at) ?? new Set()).add(field));
    }
    return names;
  }

  #remove(waiter: Waiter): void {
    const key = keyOf(waiter.request);
    const same = this.#waiters.get(key);
    same?.delete(waiter);
    if (same?.size === 0) this.#waiters.delete(key);
  }
}

function keyOf(request: CheckedLease): string {
  return `${encodeName(request.name)}\n${encodeOwner(request.owner)}`;
}
