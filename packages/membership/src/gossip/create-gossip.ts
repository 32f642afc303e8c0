/**
 * The shell round the gossip machine: a timer, a subject of one's own on the bus, and who watches.
 *
 * It decides nothing. Rounds come a little early or late by chance, so that processes which were
 * started together do not all speak at once.
 */
import {
  boundedString,
  type ErrorCode,
  Feed,
  invalidArgument,
  isQuorateError,
  Lifecycle,
  type Message,
  QuorateError,
  raceAbort,
  type Runtime,
  type Subscription,
  type Timer,
} from "@quorate/core";
import { type GossipEvents, gossipEvents, type GossipSubject } from "./events.ts";
import type { Fact, FactChange } from "./facts.ts";
import type { Gossip, GossipEvent, GossipOptions, GossipStats } from "./gossip.ts";
import { type GossipEffect, type GossipInput, GossipMachine } from "./machine.ts";
import type { GossipMessage } from "./messages.ts";
import { type CheckedGossip, checkGossip, type GossipBackend } from "./options.ts";
import { Peers } from "./peers.ts";
import { MAX_FACT_KEY_BYTES, readLetter, writeLetter } from "./wire.ts";

/** Most messages that the bus has been given and has not taken; further ones are dropped. */
const MAX_SENDING = 64;
/** How long `close` waits for what the bus has been given. */
const GRACE_MS = 1_000;

/**
 * Shares small facts over a group, by gossip on the bus of `backend`. The group's name and the ids
 * go into subjects: each process hears `gossip/<group>/to/<id>`.
 *
 * Takes part after `start()`.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 * @throws TOO_LARGE too long a name.
 *
 * @example
 * import { createGossip } from "@quorate/membership";
 * import { memoryBackend } from "@quorate/memory";
 * const peers = () => ["ada", "bob"];
 * const gossip = createGossip(memoryBackend(), { group: "fleet", id: "ada", peers });
 * gossip.set("version", "1.4.2");
 * await gossip.start();
 * console.log(gossip.get("ada", "version")?.value); // => 1.4.2
 * await gossip.close();
 */
export function createGossip(backend: GossipBackend, options: GossipOptions): Gossip {
  return new GossipMember(backend, checkGossip(backend, options));
}

/** Counters, while they count. */
type Counts = { -readonly [K in keyof GossipStats]: number };

class GossipMember implements Gossip {
  readonly group: string;
  readonly id: string;
  readonly #backend: GossipBackend;
  readonly #options: CheckedGossip;
  readonly #runtime: Runtime;
  readonly #machine: GossipMachine;
  readonly #lifecycle: Lifecycle;
  readonly #events: GossipEvents;
  readonly #subject: GossipSubject;
  readonly #watchers = new Set<Feed<GossipEvent>>();
  readonly #counts: Counts = {
    sent: 0,
    received: 0,
    unreadable: 0,
    refused: 0,
    unsent: 0,
    reborn: 0,
  };
  #peers: Peers = Peers.NONE;
  #subscription: Subscription | undefined;
  #timer: Timer | undefined;
  #starting: Promise<void> | undefined;
  #reconciledMs = -Infinity;
  #sending = 0;

  constructor(backend: GossipBackend, options: CheckedGossip) {
    this.#backend = backend;
    this.#options = options;
    this.#runtime = backend.runtime;
    this.group = options.group;
    this.id = options.settings.self;
    this.#machine = new GossipMachine(options.settings, this.#runtime.random);
    this.#lifecycle = new Lifecycle(`the gossip of ${options.group}`, this.#runtime);
    this.#events = gossipEvents(this.#runtime.events);
    this.#subject = { group: this.group, self: this.id };
  }

  get facts(): readonly Fact[] {
    return [...this.#machine.facts];
  }

  get stats(): GossipStats {
    return { ...this.#counts };
  }

  async start(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#lifecycle.assertOpen();
    this.#starting ??= this.#lifecycle.track(this.#join());
    await raceAbort(this.#starting, options.signal);
  }

  set(key: string, value: string): void {
    this.#lifecycle.assertOpen();
    boundedString("key", key, MAX_FACT_KEY_BYTES);
    if (typeof value !== "string" || !value.isWellFormed()) {
      throw invalidArgument("value", value, "a well-formed string");
    }
    if (!this.#feed({ kind: "write", key, value })) throw this.#tooLarge(key, value);
  }

  remove(key: string): void {
    this.#lifecycle.assertOpen();
    boundedString("key", key, MAX_FACT_KEY_BYTES);
    this.#feed({ kind: "write", key, value: undefined });
  }

  get(owner: string, key: string): Fact | undefined {
    return this.#machine.facts.get(owner, key);
  }

  watch(options: { readonly signal?: AbortSignal | undefined } = {}): Feed<GossipEvent> {
    this.#lifecycle.assertOpen();
    const feed: Feed<GossipEvent> = new Feed({
      signal: options.signal,
      onEnd: () => void this.#watchers.delete(feed),
    });
    for (const fact of this.#machine.facts) push(feed, { kind: "set", fact });
    feed.push("synced", { kind: "synced" });
    if (options.signal?.aborted !== true) this.#watchers.add(feed);
    return feed;
  }

  close(): Promise<void> {
    return this.#lifecycle.close(GRACE_MS, async () => {
      this.#timer?.cancel();
      for (const feed of [...this.#watchers]) feed.end();
      await this.#subscription?.close().catch(() => undefined);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #join(): Promise<void> {
    const { bus } = this.#backend;
    const hear = (message: Message): void => this.#hear(message);
    const signal = this.#lifecycle.stopping;
    try {
      this.#subscription = await bus.subscribe(`gossip/${this.group}/to/${this.id}`, hear, {
        signal,
      });
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
    if (this.#lifecycle.isClosed) return;
    this.#round();
  }

  #round(): void {
    const { roundMs, reconcileMs } = this.#options;
    const nowMs = this.#runtime.time.monotonicMs();
    this.#readPeers();
    this.#feed({ kind: "round" });
    if (nowMs - this.#reconciledMs >= reconcileMs) {
      this.#reconciledMs = nowMs;
      this.#feed({ kind: "reconcile" });
    }
    if (this.#lifecycle.isClosed) return;
    const delayMs = roundMs * (0.9 + 0.2 * this.#runtime.random.next());
    const round = (): void => this.#round();
    this.#timer = this.#runtime.time.setTimer(delayMs, round, { keepAlive: false });
  }

  #readPeers(): void {
    try {
      const ids = this.#options.peers();
      if (Array.isArray(ids) && this.#peers.names(ids)) return;
      this.#peers = Peers.of(ids);
      this.#feed({ kind: "peers", peers: this.#peers });
    } catch (error) {
      this.#refuse("peers", isQuorateError(error) ? error.message : "the provider threw");
    }
  }

  #hear({ data }: Message): void {
    if (this.#lifecycle.isClosed) return;
    const read = readLetter(data, this.#options.settings.maxPacketBytes);
    if (!read.ok) {
      this.#counts.unreadable += 1;
      return this.#refuse("unreadable", read.reason);
    }
    const { from, message } = read.letter;
    if (this.#peers.has(from)) this.#counts.received += 1;
    this.#feed({ kind: "heard", from, message });
  }

  /** Lets the machine step, and does what follows. False: a write that does not fit. */
  #feed(input: GossipInput): boolean {
    let fits = true;
    for (const effect of this.#machine.step(input, this.#runtime.time.monotonicMs())) {
      if (effect.kind === "full") fits = false;
      else this.#perform(effect);
    }
    return fits;
  }

  #perform(effect: Exclude<GossipEffect, { kind: "full" }>): void {
    switch (effect.kind) {
      case "send":
        return void this.#send(effect.to, effect.message);
      case "changed":
        for (const feed of this.#watchers) push(feed, effect.change);
        return;
      case "reborn": {
        this.#counts.reborn += 1;
        const { reborn } = this.#events;
        if (reborn.hasSubscribers) reborn.publish({ ...this.#subject, life: effect.life });
        return;
      }
      case "refused":
        this.#counts.refused += effect.count;
        return this.#refuse("entries", `${effect.count} of a stranger, or over a bound`);
    }
  }

  /** Never rejects: what is lost is told again. */
  async #send(to: string, message: GossipMessage): Promise<void> {
    if (this.#lifecycle.isClosed) return;
    if (this.#sending >= MAX_SENDING) return this.#failed("OVERLOADED");
    this.#sending += 1;
    const subject = `gossip/${this.group}/to/${to}`;
    try {
      const data = writeLetter({ from: this.id, message });
      await this.#lifecycle.track(this.#backend.bus.publish(subject, data));
      this.#counts.sent += 1;
    } catch (error) {
      this.#failed(isQuorateError(error) ? error.code : "UNKNOWN");
    } finally {
      this.#sending -= 1;
    }
  }

  #failed(code: ErrorCode | "UNKNOWN"): void {
    this.#counts.unsent += 1;
    const { failed } = this.#events;
    if (failed.hasSubscribers) failed.publish({ ...this.#subject, code });
  }

  #refuse(why: "unreadable" | "entries" | "peers", reason: string): void {
    const { refused } = this.#events;
    if (refused.hasSubscribers) refused.publish({ ...this.#subject, why, reason });
  }

  #tooLarge(key: string, value: string): QuorateError<"TOO_LARGE"> {
    const { maxKeys, maxOwnerBytes: limit } = this.#options.settings;
    const size = Buffer.byteLength(key) + Buffer.byteLength(value);
    const message =
      `the fact has size ${size} and does not fit: all facts of an owner have ` +
      `at most ${limit} bytes and ${maxKeys} keys`;
    const details = { option: "value", size, limit };
    return new QuorateError("TOO_LARGE", message, { effect: "none", details });
  }
}

/** Coalesced by fact: a reader that falls behind gets the last state of each. */
function push(feed: Feed<GossipEvent>, change: FactChange): void {
  const { owner, key } = change.kind === "set" ? change.fact : change;
  feed.push(`${owner}/${key}`, change);
}
