/**
 * What all watches of one kind share: the partitions' channels, and the proof that none of their
 * messages was missed.
 *
 * Each change carries the partition's clock before and after it, a chain; a link that is missing
 * shows with the next message. The last message has no next: so once a second, and only while
 * somebody watches, one command reads the clocks. The same command tells the writers that somebody
 * watches; where nobody does, a write publishes nothing.
 *
 * Guarantees: a lost message is noticed with the next one, or within two polls; a silent or dead
 * link within two and a half seconds. Then each watch is told to read the state anew.
 */
import type { Ms, Runtime, Timer } from "@quorate/core";
import type { Engine } from "../engine.ts";
import type { Partition } from "../partitions.ts";
import type { Script } from "../scripts.ts";

const POLL_MS = 1_000;
const POLL_TIMEOUT_MS = 1_500;
/** Digits of a clock in a message. */
const CLOCK_DIGITS = 16;

/** One watch. */
export interface Watcher {
  /** The partitions it looks at. */
  readonly partitions: readonly Partition[];
  /** A change came; `body` is what follows the clocks. */
  onChange(partition: Partition, revision: number, body: Buffer): void;
  /** Changes may have been missed: read the state of `partition` anew. */
  onGap(partition: Partition): void;
  /** The link has been down or silent since then (monotonic). `onGap` follows when it is back. */
  onStale(sinceMs: Ms): void;
}

/** What differs between kv and leases. */
export interface ChangeKind {
  readonly poll: Script;
  pollKeys(partition: Partition): readonly string[];
  channel(partition: Partition): string;
}

interface Tap {
  readonly partition: Partition;
  readonly channel: { readonly name: string; readonly kind: "shard" };
  readonly hear: (data: Buffer) => void;
  users: number;
  /** Clock of the last change that was heard of, or that a read of the state will contain. */
  last: number;
  /** Clock as the poll before this one saw it. */
  polled: number;
  /** Polls in a row that knew more than was heard. */
  behind: number;
}

/** The link of one kind of watches. */
export class ChangeLink {
  readonly #engine: Engine;
  readonly #runtime: Runtime;
  readonly #kind: ChangeKind;
  readonly #watchers = new Set<Watcher>();
  readonly #taps = new Map<Partition, Tap>();
  readonly #detach: (() => void)[];
  #timer: Timer | undefined;
  #goodMs: Ms = 0;
  #stale = false;

  constructor(engine: Engine, kind: ChangeKind) {
    this.#engine = engine;
    this.#runtime = engine.runtime;
    this.#kind = kind;
    this.#detach = [
      engine.subscriber.onDown(() => this.#doubt()),
      engine.subscriber.onReset(() => this.#doubt()),
      engine.link.onBreak(() => this.#doubt()),
    ];
  }

  /** Begins to tell `watcher`. Resolves when every later change will be told. */
  async add(watcher: Watcher, signal: AbortSignal): Promise<void> {
    this.#watchers.add(watcher);
    const taps = watcher.partitions.map((partition) => this.#tap(partition));
    for (const tap of taps) tap.users += 1;
    await Promise.all(
      taps.map((tap) => this.#engine.subscriber.listen(tap.channel, tap.hear, signal)),
    );
    await this.#poll(taps, signal);
    this.#arm();
  }

  /** Stops telling `watcher`. */
  remove(watcher: Watcher): void {
    if (!this.#watchers.delete(watcher)) return;
    for (const partition of watcher.partitions) {
      const tap = this.#taps.get(partition);
      if (tap === undefined) continue;
      tap.users -= 1;
      if (tap.users > 0) continue;
      this.#taps.delete(partition);
      this.#engine.subscriber.forget(tap.channel, tap.hear);
    }
    if (this.#watchers.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#stale = false;
  }

  /** Stops. */
  close(): void {
    for (const detach of this.#detach) detach();
    this.#timer?.cancel();
    this.#watchers.clear();
    this.#taps.clear();
  }

  #tap(partition: Partition): Tap {
    const known = this.#taps.get(partition);
    if (known !== undefined) return known;
    const tap: Tap = {
      partition,
      channel: { name: this.#kind.channel(partition), kind: "shard" },
      hear: (data) => this.#hear(tap, data),
      users: 0,
      last: 0,
      polled: 0,
      behind: 0,
    };
    this.#taps.set(partition, tap);
    return tap;
  }

  #hear(tap: Tap, data: Buffer): void {
    const before = Number(data.toString("latin1", 0, CLOCK_DIGITS));
    const revision = Number(data.toString("latin1", CLOCK_DIGITS, 2 * CLOCK_DIGITS));
    if (!Number.isSafeInteger(before) || !Number.isSafeInteger(revision)) return;
    const gap = tap.last > 0 && before > tap.last;
    tap.last = Math.max(tap.last, revision);
    tap.behind = 0;
    const body = data.subarray(2 * CLOCK_DIGITS);
    for (const watcher of this.#watchers) {
      if (!watcher.partitions.includes(tap.partition)) continue;
      watcher.onChange(tap.partition, revision, body);
      if (gap) watcher.onGap(tap.partition);
    }
  }

  #arm(): void {
    if (this.#watchers.size === 0) return;
    this.#timer ??= this.#runtime.time.setTimer(POLL_MS, () => void this.#turn(), {
      keepAlive: false,
    });
  }

  async #turn(): Promise<void> {
    this.#timer = undefined;
    try {
      await this.#poll([...this.#taps.values()], undefined);
      if (this.#stale) {
        this.#stale = false;
        for (const tap of this.#taps.values()) this.#gap(tap);
      }
    } catch {
      this.#tellStale();
    }
    this.#arm();
  }

  /** A connection broke: what was said meanwhile is lost. The next poll that succeeds ends it. */
  #doubt(): void {
    if (this.#watchers.size === 0) return;
    this.#tellStale();
    this.#timer?.cancel();
    this.#timer = undefined;
    void this.#turn();
  }

  #tellStale(): void {
    if (this.#stale) return;
    this.#stale = true;
    for (const watcher of this.#watchers) watcher.onStale(this.#goodMs);
  }

  async #poll(taps: readonly Tap[], signal: AbortSignal | undefined): Promise<void> {
    const { clustered } = this.#engine;
    const groups = clustered ? taps.map((tap) => [tap]) : [taps];
    await Promise.all(
      groups.map(async (group) => {
        if (group.length === 0) return;
        const { value, sentMs } = await this.#engine.link.run({
          operation: "watch.poll",
          script: this.#kind.poll,
          keys: group.flatMap(({ partition }) => this.#kind.pollKeys(partition)),
          args: [],
          timeoutMs: POLL_TIMEOUT_MS,
          signal,
          read: true,
        });
        const [micros, ...facts] = value as readonly string[];
        for (const { partition } of group) {
          this.#engine.clocks.of(partition).learn(Number(micros), sentMs);
        }
        for (const [index, tap] of group.entries()) {
          this.#compare(tap, Number(facts[2 * index]), facts[2 * index + 1] === "1");
        }
      }),
    );
    this.#goodMs = this.#runtime.time.monotonicMs();
  }

  #compare(tap: Tap, clock: number, known: boolean): void {
    const first = tap.last === 0;
    // Still unheard of after a whole period: lost. (Younger changes may be on their way.)
    const lost = tap.polled > tap.last;
    const back = clock < tap.polled;
    tap.polled = clock;
    if (first) tap.last = Math.max(clock, 1);
    else if (lost || back || !known) {
      tap.last = Math.max(clock, 1);
      tap.behind = lost ? tap.behind + 1 : 0;
      this.#gap(tap);
      // Twice in a row without a word in between: the connection is open, and dead.
      if (tap.behind >= 2) this.#engine.subscriber.restart();
    }
  }

  #gap(tap: Tap): void {
    for (const watcher of this.#watchers) {
      if (watcher.partitions.includes(tap.partition)) watcher.onGap(tap.partition);
    }
  }
}
