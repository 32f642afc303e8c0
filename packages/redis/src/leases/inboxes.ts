/**
 * Inboxes: how one process hears that its turn has come, and how the store knows that it lives.
 *
 * For each partition in which somebody waits the process listens on a channel of its own, and
 * every two seconds one command says for all of them: we are still here. That command also sends
 * a ping through each inbox; one that does not arrive shows a subscriber connection that is open
 * and dead, and its connection is made anew. Where the store has forgotten us (flush, failover),
 * everybody who waits asks again.
 *
 * Costs one command per refresh in all (one per partition in a cluster), however many wait.
 */
import type { Ms, Runtime, Timer } from "@quorate/core";
import { isCluster } from "../client.ts";
import type { Link } from "../link.ts";
import { inboxKey, type Partition } from "../partitions.ts";
import type { Script } from "../scripts.ts";
import type { ServerClocks } from "../server-clock.ts";
import type { Subscriber } from "../subscriber.ts";
import { type InboxPush, parsePush } from "./wire.ts";

const REFRESH_MS = 2_000;
/** An inbox that nobody waits at any more is kept for the next, so long. */
const IDLE_MS = 1_000;

interface Inbox {
  readonly partition: Partition;
  readonly channel: { readonly name: string; readonly kind: "shard" };
  readonly hear: (data: Buffer) => void;
  active: boolean;
  users: number;
  /** A ping was sent and has not been heard. */
  pinged: boolean;
}

/** What inboxes are made of. */
export interface InboxParts {
  readonly link: Link;
  readonly script: Script;
  readonly clocks: ServerClocks;
  readonly subscriber: Subscriber;
  readonly runtime: Runtime;
  readonly timeoutMs: Ms;
}

/** What happens at inboxes. */
export interface InboxEvents {
  onPush(partition: Partition, push: InboxPush): void;
  /** Something may have been missed: ask again. `undefined` means everywhere. */
  onDoubt(partition: Partition | undefined): void;
  /** From time to time, while somebody waits. */
  onRefresh(): void;
}

/** The inboxes of one process. */
export class Inboxes {
  /** Name of this process in records. */
  readonly id: string;
  readonly #parts: InboxParts;
  readonly #events: InboxEvents;
  readonly #open = new Map<Partition, Inbox>();
  readonly #detach: (() => void)[];
  #refresh: Timer | undefined;
  #idle: Timer | undefined;

  constructor(parts: InboxParts, events: InboxEvents) {
    this.#parts = parts;
    this.#events = events;
    this.id = parts.runtime.ids.operation();
    const doubt = (): void => {
      if (this.#open.size > 0) events.onDoubt(undefined);
    };
    this.#detach = [parts.subscriber.onReset(doubt), parts.link.onBreak(doubt)];
  }

  /** True when pushes of `partition` would be heard. */
  hears(partition: Partition): boolean {
    return this.#open.get(partition)?.active === true;
  }

  /** Opens the inbox of `partition`, for one more user. Resolves when it hears. */
  async enter(partition: Partition, signal: AbortSignal): Promise<void> {
    let inbox = this.#open.get(partition);
    if (inbox === undefined) {
      inbox = this.#make(partition);
      this.#open.set(partition, inbox);
    }
    inbox.users += 1;
    this.#armRefresh();
    if (inbox.active) return;
    try {
      await this.#parts.subscriber.listen(inbox.channel, inbox.hear, signal);
      inbox.active = true;
    } catch (error) {
      this.leave(partition);
      throw error;
    }
  }

  /** One user less. */
  leave(partition: Partition): void {
    const inbox = this.#open.get(partition);
    if (inbox === undefined) return;
    inbox.users -= 1;
    if (inbox.users > 0 || this.#idle !== undefined) return;
    const { time } = this.#parts.runtime;
    this.#idle = time.setTimer(IDLE_MS, () => this.#dropIdle(), { keepAlive: false });
  }

  /** Stops listening. */
  close(): void {
    for (const detach of this.#detach) detach();
    this.#refresh?.cancel();
    this.#idle?.cancel();
    this.#open.clear();
  }

  #make(partition: Partition): Inbox {
    const inbox: Inbox = {
      partition,
      channel: { name: inboxKey(partition, this.id), kind: "shard" },
      hear: (data) => {
        const push = parsePush(data);
        if (push?.kind === "ping") inbox.pinged = false;
        else if (push !== undefined) this.#events.onPush(partition, push);
      },
      active: false,
      users: 0,
      pinged: false,
    };
    return inbox;
  }

  #dropIdle(): void {
    this.#idle = undefined;
    for (const [partition, inbox] of this.#open) {
      if (inbox.users > 0) continue;
      this.#open.delete(partition);
      this.#parts.subscriber.forget(inbox.channel, inbox.hear);
    }
    if (this.#open.size > 0) return;
    this.#refresh?.cancel();
    this.#refresh = undefined;
  }

  #armRefresh(): void {
    const { time } = this.#parts.runtime;
    this.#refresh ??= time.setTimer(REFRESH_MS, () => this.#refreshAll(), { keepAlive: false });
  }

  #refreshAll(): void {
    this.#refresh = undefined;
    if (this.#open.size === 0) return;
    this.#armRefresh();
    const used = [...this.#open.values()].filter(({ users, active }) => users > 0 && active);
    if (used.some(({ pinged }) => pinged)) {
      for (const inbox of used) inbox.pinged = false;
      this.#parts.subscriber.restart();
      return;
    }
    // In a cluster a command stays within a slot.
    const groups = isCluster(this.#parts.link.client) ? used.map((inbox) => [inbox]) : [used];
    for (const group of groups) if (group.length > 0) void this.#refreshSome(group);
    this.#events.onRefresh();
  }

  async #refreshSome(inboxes: readonly Inbox[]): Promise<void> {
    const { link, script, clocks, timeoutMs } = this.#parts;
    const keys = inboxes.map(({ channel }) => channel.name);
    try {
      const request = { operation: "leases.refresh", script, keys, args: keys, timeoutMs };
      for (const inbox of inboxes) inbox.pinged = true;
      const { value, sentMs } = await link.run(request);
      const [micros, ...known] = value as readonly string[];
      for (const [index, inbox] of inboxes.entries()) {
        clocks.of(inbox.partition).learn(Number(micros), sentMs);
        if (known[index] === "0") this.#events.onDoubt(inbox.partition);
      }
    } catch {
      // The next refresh is two seconds away, and liveness lasts for five of them.
      for (const inbox of inboxes) inbox.pinged = false;
    }
  }
}
