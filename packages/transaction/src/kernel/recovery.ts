/**
 * Recovery: finds instances whose owner is gone, and takes them over.
 *
 * A look at all records follows the end of each worker's lease, each start, and, as a net for what
 * a watch may miss, each `scanMs`. That a worker is gone is asked of the store before anything of
 * its is touched. Takeovers are paced; what is another live worker's share is left to it for a
 * moment, so that many workers do not run for the same record.
 *
 * Guarantees: an orphan that some worker can drive is taken within the lease's length and a second,
 * as far as the pace allows. Does not guarantee that it is taken once: an owner which was paused
 * comes back and believes; its next write is refused.
 */
import { type Backend, linkedController, type Ms, onAbort, sleep, type Timer } from "@quorate/core";
import type { Stored } from "./contract.ts";
import { type KernelEvents, publishTrouble } from "./events.ts";
import type { LiveWorkers } from "./live-workers.ts";
import { isOwnShare } from "./share.ts";
import type { WorkerStation } from "./station.ts";
import type { Epoch, WorkerLease } from "./worker-lease.ts";

/** Orphans kept in memory at a time; a full look is followed by another at once. */
const MAX_ORPHANS = 1_000;
/** Instances that are remembered to be looked at; beyond, all are. */
const MAX_SPOKEN = 1_000;
/** Takeovers are begun this often. */
const BEAT_MS = 100;
/** How long another's share is left to it. */
const YIELD_MS = 300;
/** A look follows its cause by up to this, so that a fleet does not look in step. */
const SPREAD_MS = 100;
const FAILED_PAUSE_MS = 500;
/** A look at all rests after so many records, for so long. */
const BREATH_RECORDS = 500;
const BREATH_MS = 10;

type AnyStation = WorkerStation<never>;
type Orphan = { readonly station: AnyStation; readonly stored: Stored<never> };

/** What recovery is made of. */
export interface RecoveryOptions {
  readonly backend: Backend;
  readonly events: KernelEvents;
  readonly lease: WorkerLease;
  readonly live: LiveWorkers;
  readonly stations: () => Iterable<AnyStation>;
  readonly scanMs: Ms;
  readonly takeoversPerSecond: number;
}

/** Looks, and takes. */
export class Recovery {
  readonly #options: RecoveryOptions;
  #isDue = true;
  /** By collection: instances that somebody spoke of. */
  readonly #spoken = new Map<string, Set<string>>();
  #wake: () => void = () => {};
  /** The next look at what was not gone yet. */
  #again: Timer | undefined;
  #againMs: Ms = Infinity;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** Look soon. */
  kick(): void {
    this.#isDue = true;
    this.#wake();
  }

  /** Look at one instance soon; beyond so many, at all. */
  look(collection: string, id: string): void {
    const ids = this.#spoken.get(collection) ?? new Set();
    if (ids.size >= MAX_SPOKEN) return this.kick();
    this.#spoken.set(collection, ids.add(id));
    this.#wake();
  }

  /** Looks and takes until `signal`. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { backend, scanMs } = this.#options;
    const { random } = backend.runtime;
    const pause = (ms: Ms): Promise<void> =>
      sleep(backend.runtime, ms, { signal, keepAlive: false }).catch(() => {});
    onAbort(signal, () => this.#again?.cancel());
    while (!signal.aborted) {
      const isTold = this.#isDue || this.#spoken.size > 0 || !(await this.#rest(scanMs, signal));
      const looksAtAll = this.#isDue || !isTold;
      if (looksAtAll) await pause(random.next() * SPREAD_MS);
      if (signal.aborted) return;
      try {
        const epoch = this.#options.lease.epoch ?? (await this.#options.lease.take());
        await this.#lookAtSpoken(epoch, signal);
        if (!looksAtAll) continue;
        this.#isDue = false;
        for (const station of this.#options.stations()) await this.#look(station, epoch, signal);
      } catch (error) {
        if (signal.aborted) return;
        publishTrouble(this.#options.events, { collection: "", id: "", doing: "scan" }, error);
        this.#isDue = true;
        await pause(FAILED_PAUSE_MS);
      }
    }
  }

  /** Until somebody speaks (false), or about `ms` have passed (true). */
  async #rest(ms: Ms, signal: AbortSignal): Promise<boolean> {
    const { time, random } = this.#options.backend.runtime;
    const woken = linkedController(signal);
    this.#wake = () => woken.abort(undefined);
    const isOver = await new Promise<boolean>((resolve) => {
      const spreadMs = ms * (0.75 + random.next() / 2);
      const timer = time.setTimer(spreadMs, () => resolve(true), { keepAlive: false });
      onAbort(woken.signal, () => {
        timer.cancel();
        resolve(false);
      });
    });
    this.#wake = () => {};
    woken.detach();
    return isOver;
  }

  async #lookAtSpoken(epoch: Epoch, signal: AbortSignal): Promise<void> {
    for (const station of this.#options.stations()) {
      const ids = this.#spoken.get(station.driver.collection);
      if (ids === undefined) continue;
      this.#spoken.delete(station.driver.collection);
      const orphans: Orphan[] = [];
      for (const id of ids) {
        const stored = await station.read(id);
        if (stored === undefined || !this.#isWork(station, stored)) continue;
        const { owner } = station.driver.ownershipOf(stored.record);
        if (await this.#isOrphan(owner, new Map(), epoch, signal)) {
          orphans.push({ station, stored });
        }
      }
      await this.#takeAll(orphans, epoch, signal);
    }
  }

  #isWork(station: AnyStation, { id, record }: Stored<never>): boolean {
    const { driver } = station;
    return driver.isOpen(record) && !station.drives(id) && driver.canDrive(record, id);
  }

  async #look(station: AnyStation, epoch: Epoch, signal: AbortSignal): Promise<void> {
    const { events, backend } = this.#options;
    const startedMs = backend.runtime.time.monotonicMs();
    const found = await this.#gather(station, epoch, signal);
    if (events.scan.hasSubscribers) {
      const { collection } = station.driver;
      const { records, unclaimed } = found;
      const tookMs = backend.runtime.time.monotonicMs() - startedMs;
      const orphans = found.orphans.length;
      events.scan.publish({ collection, records, orphans, unclaimed, tookMs });
    }
    if (found.orphans.length >= MAX_ORPHANS) this.#isDue = true;
    await this.#takeAll(found.orphans, epoch, signal);
  }

  async #gather(
    station: AnyStation,
    epoch: Epoch,
    signal: AbortSignal,
  ): Promise<{ orphans: Orphan[]; records: number; unclaimed: number }> {
    const { driver } = station;
    const gone = new Map<string, boolean>();
    const found = { orphans: [] as Orphan[], records: 0, unclaimed: 0 };
    for await (const stored of station.list({ signal })) {
      found.records += 1;
      // Ended records are kept for days: a long look leaves the store and the event loop alone.
      if (found.records % BREATH_RECORDS === 0) await this.#breathe(signal);
      const { record } = stored;
      if (!driver.isOpen(record) || station.drives(stored.id)) continue;
      if (!driver.canDrive(record, stored.id)) found.unclaimed += 1;
      else if (await this.#isOrphan(driver.ownershipOf(record).owner, gone, epoch, signal)) {
        found.orphans.push({ station, stored });
        if (found.orphans.length >= MAX_ORPHANS) break;
      }
    }
    return found;
  }

  #breathe(signal: AbortSignal): Promise<void> {
    return sleep(this.#options.backend.runtime, BREATH_MS, { signal, keepAlive: false });
  }

  /** Asked once per owner and look. Our own that nobody drives are ours to take up again. */
  async #isOrphan(
    owner: string,
    gone: Map<string, boolean>,
    epoch: Epoch,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (owner === "" || owner === epoch.owner) return true;
    if (this.#options.live.has(owner)) return false;
    const known = gone.get(owner);
    if (known !== undefined) return known;
    const leftMs = await this.#options.lease.leftMs(owner, signal);
    if (leftMs > 0 && !signal.aborted) this.#kickIn(leftMs);
    gone.set(owner, leftMs === 0);
    return leftMs === 0;
  }

  /**
   * The watch may have told an end that the store's own word denies for a moment longer: then no
   * other news comes, and the next look is ours to remember.
   */
  #kickIn(ms: Ms): void {
    const { time } = this.#options.backend.runtime;
    const dueMs = time.monotonicMs() + ms;
    if (dueMs >= this.#againMs) return;
    this.#again?.cancel();
    this.#againMs = dueMs;
    this.#again = time.setTimer(
      ms,
      () => {
        this.#againMs = Infinity;
        this.kick();
      },
      { keepAlive: false },
    );
  }

  async #takeAll(orphans: readonly Orphan[], epoch: Epoch, signal: AbortSignal): Promise<void> {
    const owners = [...this.#options.live.owners];
    const isOwn = ({ stored }: Orphan): boolean => isOwnShare(stored.id, epoch.owner, owners);
    const own = orphans.filter(isOwn);
    await this.#paced(this.#shuffled(own), signal, ({ station, stored }) =>
      station.adopt(stored, epoch),
    );
    if (own.length === orphans.length || signal.aborted) return;
    // Of very many, the next of one's own are further on: the others are at theirs meanwhile.
    if (own.length > 0 && orphans.length >= MAX_ORPHANS) return;
    await sleep(this.#options.backend.runtime, YIELD_MS, { signal, keepAlive: false });
    const others = orphans.filter((one) => !isOwn(one));
    await this.#paced(this.#shuffled(others), signal, (one) => this.#takeLeft(one, epoch, signal));
  }

  /** What its share's worker may have taken: looked at again before anything is written. */
  async #takeLeft(orphan: Orphan, epoch: Epoch, signal: AbortSignal): Promise<void> {
    const { station, stored } = orphan;
    const { driver } = station;
    const now = await station.read(stored.id);
    if (now === undefined || !driver.isOpen(now.record)) return;
    const { owner } = driver.ownershipOf(now.record);
    if (await this.#isOrphan(owner, new Map(), epoch, signal)) await station.adopt(now, epoch);
  }

  async #paced(
    orphans: readonly Orphan[],
    signal: AbortSignal,
    take: (orphan: Orphan) => Promise<unknown>,
  ): Promise<void> {
    const { takeoversPerSecond, backend, events } = this.#options;
    const beat = Math.max(1, Math.round((takeoversPerSecond * BEAT_MS) / 1_000));
    for (let from = 0; from < orphans.length && !signal.aborted; from += beat) {
      const batch = orphans.slice(from, from + beat);
      await Promise.all(
        batch.map(async (orphan) => {
          try {
            await take(orphan);
          } catch (error) {
            const { collection } = orphan.station.driver;
            publishTrouble(events, { collection, id: orphan.stored.id, doing: "take" }, error);
            this.#isDue = true;
          }
        }),
      );
      const isLast = from + beat >= orphans.length;
      if (!isLast) await sleep(backend.runtime, BEAT_MS, { signal, keepAlive: false });
    }
  }

  /** In another order at each worker. */
  #shuffled(orphans: Orphan[]): Orphan[] {
    const { random } = this.#options.backend.runtime;
    for (let index = orphans.length - 1; index > 0; index -= 1) {
      const other = Math.floor(random.next() * (index + 1));
      const [left, right] = [orphans[index], orphans[other]] as [Orphan, Orphan];
      orphans[index] = right;
      orphans[other] = left;
    }
    return orphans;
  }
}
