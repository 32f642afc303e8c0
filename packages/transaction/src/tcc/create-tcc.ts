/**
 * `createTcc`: the coordinator on a backend.
 */
import {
  type Backend,
  callable,
  invalidArgument,
  type Json,
  knownOptions,
  Lifecycle,
  type Ms,
  nonNegative,
  onAbort,
  sleep,
} from "@quorate/core";

import { copyJson } from "../barrier/answer.ts";
import type { Created, DriveContext, Driver, Held, Stored } from "../kernel/contract.ts";
import { createWorker, type Worker } from "../kernel/worker.ts";
import type { Desk, Served } from "./desk.ts";
import { abortedError, inDoubtError, mismatchError, wrongStateError } from "./errors.ts";
import { type TccByHand, tccEvents } from "./events.ts";
import { follow } from "./follow.ts";
import { coordinate } from "./machine.ts";
import {
  type ByHand,
  checkByHand,
  checkId,
  checkPart,
  checkRun,
  type CheckedRun,
  settingsOf,
  type TccOptions,
  type TccRunOptions,
} from "./options.ts";
import type { TccParticipants } from "./participant.ts";
import { cancelling, isOpen, isParked, tccCodec, type TccRecord } from "./record.ts";
import type { TccDecision } from "./reservation.ts";
import { settleAll } from "./settling.ts";
import type { Tcc, TccKind, TccListOptions, TccTransaction, TccView } from "./tcc.ts";
import { Trial, type TccWork } from "./trial.ts";
import { viewOf } from "./view.ts";

const DEFAULT_GRACE_MS = 5_000;
const GONE = "its coordinator is gone";

/**
 * Transactions by try, confirm and cancel, whose records are kept by `backend`.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * import { createTcc } from "@quorate/transaction";
 * import { memoryBackend } from "@quorate/memory";
 * await using tcc = createTcc(memoryBackend());
 * const seats = { try: () => "12A", confirm: () => {}, cancel: () => {} };
 * const booking = tcc.serve("booking", { seats });
 * const seat = await booking.run({ id: "booking-7" }, (t) => t.branch("seats", { row: 12 }));
 * console.log(seat); // => 12A
 */
export function createTcc(backend: Backend, options: TccOptions = {}): Tcc {
  if (typeof backend?.kv?.put !== "function") {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  const settings = settingsOf(options);
  const { leaseMs, worker } = options;
  if (worker !== undefined && leaseMs !== undefined) {
    throw invalidArgument("leaseMs", leaseMs, "left out: the worker that is passed in has its own");
  }
  const own = worker ?? createWorker(backend, leaseMs === undefined ? {} : { leaseMs });
  return new TccEngine(backend, settings, { worker: own, isOwn: worker === undefined });
}

class TccEngine implements Tcc {
  readonly #desk: Desk;
  readonly #worker: Worker;
  readonly #ownsWorker: boolean;
  readonly #lifecycle: Lifecycle;
  readonly #served = new Map<string, Served>();
  readonly #trials = new Map<string, Trial>();
  readonly #wakes = new Map<string, () => void>();

  constructor(
    { runtime }: Backend,
    settings: Desk["settings"],
    { worker, isOwn }: { readonly worker: Worker; readonly isOwn: boolean },
  ) {
    this.#worker = worker;
    this.#ownsWorker = isOwn;
    this.#lifecycle = new Lifecycle("the tcc", runtime);
    const station = worker.register(this.#driver());
    const events = tccEvents(runtime.events);
    this.#desk = { runtime, settings, events, station, served: this.#served };
  }

  serve<P extends TccParticipants>(name: string, participants: P): TccKind<P> {
    this.#lifecycle.assertOpen();
    checkPart("name", name);
    if (this.#served.has(name)) throw invalidArgument("name", name, "served once");
    this.#served.set(name, checkParticipants(participants));
    this.#desk.station.recover();
    return {
      name,
      run: (options, work) =>
        this.#run(name, options, (transaction) =>
          work(transaction as unknown as TccTransaction<P>),
        ),
    };
  }

  run<T extends Json | undefined | void>(
    name: string,
    options: TccRunOptions,
    work: (transaction: TccTransaction) => T | PromiseLike<T>,
  ): Promise<T> {
    return this.#run(name, options, work);
  }

  async decision(id: string): Promise<TccDecision> {
    checkId(id);
    this.#lifecycle.assertOpen();
    const { station, runtime, settings } = this.#desk;
    for (;;) {
      const stored = await station.read(id);
      const endsAtMs = (stored?.record.deadlineAtMs ?? 0) + settings.skewMs;
      const isLate = runtime.time.wallMs() > endsAtMs;
      const stage = stored?.record.state ?? "absent";
      const move = coordinate(stage, isLate ? "asked-late" : "asked");
      if (move === "wait") return "pending";
      if (stored === undefined || move !== "write-cancelling") {
        return move === "confirm" ? "confirm" : "cancel";
      }
      const next = cancelling(stored.record, "its deadline, by a participant that asked");
      if (await this.#replace(stored, next)) return "cancel";
    }
  }

  async cancel(id: string, hand: ByHand): Promise<void> {
    const { by, why } = checkByHand(hand);
    const name = await this.#byHand(id, "cancel", (record) => {
      const move = coordinate(record.state, "cancel");
      return move === "write-cancelling" ? cancelling(record, `${by}: ${why}`) : undefined;
    });
    this.#tellByHand({ id, name, verb: "cancel", branch: "", by, why });
  }

  async settle(id: string, branch: string, hand: ByHand): Promise<void> {
    const checked = checkByHand(hand);
    checkPart("branch", branch);
    const name = await this.#byHand(id, "settle", (record) => {
      if (record.state !== "confirming" && record.state !== "cancelling") return undefined;
      const known = record.branches.find(({ name }) => name === branch);
      if (known === undefined || known.status === "settled") return undefined;
      const branches = record.branches.map((one) =>
        one === known ? { ...one, status: "settled" as const } : one,
      );
      return { ...record, branches, takeovers: 0 };
    });
    this.#tellByHand({ id, name, verb: "settle", branch, ...checked });
  }

  async retry(id: string, hand: ByHand): Promise<void> {
    const checked = checkByHand(hand);
    const name = await this.#byHand(id, "retry", (record) =>
      this.#isParked(record) ? { ...record, takeovers: 0 } : undefined,
    );
    this.#tellByHand({ id, name, verb: "retry", branch: "", ...checked });
  }

  async inspect(id: string): Promise<TccView | undefined> {
    this.#lifecycle.assertOpen();
    const stored = await this.#desk.station.read(checkId(id));
    return stored === undefined ? undefined : viewOf(stored);
  }

  async *list(options: TccListOptions = {}): AsyncGenerator<TccView, void, void> {
    knownOptions("options", options, ["state", "stuck", "signal"]);
    this.#lifecycle.assertOpen();
    const { state, stuck = false, signal } = options;
    for await (const stored of this.#desk.station.list(signal === undefined ? {} : { signal })) {
      if (state !== undefined && stored.record.state !== state) continue;
      if (!stuck || stored.record.isStuck) yield viewOf(stored);
    }
  }

  close(options: { readonly graceMs?: Ms } = {}): Promise<void> {
    const graceMs = nonNegative("graceMs", options.graceMs ?? DEFAULT_GRACE_MS);
    return this.#lifecycle.close(graceMs, async () => {
      if (this.#ownsWorker) await this.#worker.close({ graceMs });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run<T>(name: string, options: TccRunOptions, work: TccWork): Promise<T> {
    callable("work", work);
    const checked = checkRun(options, this.#desk.settings);
    const served = this.#served.get(name);
    if (served === undefined) throw invalidArgument("name", name, "served by this process");
    this.#lifecycle.assertOpen();
    checked.signal?.throwIfAborted();
    const record = await this.#lifecycle.track(this.#attempt(name, checked, served, work));
    return copyJson(record) as T;
  }

  /** What the work returned, once it is confirmed. */
  async #attempt(
    name: string,
    run: CheckedRun,
    served: Served,
    work: TccWork,
  ): Promise<Json | undefined> {
    const { id, signal, deadlineMs } = run;
    const { station, runtime, settings } = this.#desk;
    const ownership = await station.ownership({ signal });
    const startedAtMs = runtime.time.wallMs();
    const deadlineAtMs = startedAtMs + deadlineMs;
    const trial = new Trial(this.#desk, served, { id, deadlineMs, deadlineAtMs }, work);
    const created: Created<TccRecord> = await station.create(id, {
      ...{ name, state: "trying", reason: "", startedAtMs, deadlineAtMs },
      ...{ branches: [], isStuck: false, result: undefined },
      ...ownership,
    });
    if (!created.created) return this.#join(name, run, created.found);
    const { held } = created;
    const off = onAbort(signal, () => trial.doom("cancel", "its caller's signal", signal?.reason));
    this.#trials.set(id, trial);
    try {
      const drive = station.drive(held);
      await Promise.race([trial.decided, drive]);
      await this.#patiently(drive);
      if (isOpen(held.record)) {
        // Lost, let go, or not settled yet; somebody goes on with it.
        const seen = await follow(this.#desk, id, settings.settleMs, undefined);
        return endOf(id, seen ?? held.record, trial.cause);
      }
      return endOf(id, held.record, trial.cause);
    } finally {
      off();
      this.#trials.delete(id);
    }
  }

  /** Somebody has begun it before: the same end for both. */
  async #join(
    name: string,
    { id, signal }: CheckedRun,
    { record }: Stored<TccRecord>,
  ): Promise<Json | undefined> {
    if (record.name !== name) throw mismatchError(id, name, record.name);
    if (!isOpen(record)) return endOf(id, record);
    const { runtime, settings } = this.#desk;
    const leftMs = Math.max(0, record.deadlineAtMs - runtime.time.wallMs());
    const patienceMs = Math.min(leftMs, 2_147_483_647) + settings.skewMs + settings.settleMs;
    return endOf(id, (await follow(this.#desk, id, patienceMs, signal)) ?? record);
  }

  async #patiently(drive: Promise<void>): Promise<void> {
    const patience = new AbortController();
    const { runtime, settings } = this.#desk;
    const over = sleep(runtime, settings.settleMs, { signal: patience.signal }).catch(() => {});
    await Promise.race([drive, over]);
    patience.abort();
  }

  #driver(): Driver<TccRecord> {
    return {
      collection: "tcc",
      codec: tccCodec,
      ownershipOf: ({ owner, fence, takeovers }) => ({ owner, fence, takeovers }),
      withOwnership: (record, ownership) => ({ ...record, ...ownership }),
      isOpen: (record) => isOpen(record) && !this.#isParked(record),
      canDrive: ({ name, branches }) => {
        const served = this.#served.get(name);
        return served !== undefined && branches.every(({ participant }) => served.has(participant));
      },
      drive: (held, context) => this.#drive(held, context),
      nudged: (id) => void this.#nudged(id),
    };
  }

  #isParked(record: TccRecord): boolean {
    return isParked(record, this.#desk.settings.maxTakeovers);
  }

  async #drive(held: Held<TccRecord>, context: DriveContext): Promise<void> {
    const { station } = this.#desk;
    if (held.record.state === "trying") {
      const trial = this.#trials.get(held.id);
      if (trial?.isFresh === true) await trial.run(held, context);
      else await station.apply(held, (record) => cancelling(record, GONE));
    }
    await settleAll(this.#desk, held, context, this.#wakes);
  }

  /** An operator, or a participant that asked too late, wrote what this process drives. */
  async #nudged(id: string): Promise<void> {
    this.#wakes.get(id)?.();
    const trial = this.#trials.get(id);
    if (trial === undefined) return;
    const stored = await this.#desk.station.read(id).catch(() => undefined);
    if (stored === undefined || stored.record.state === "trying") return;
    trial.doom("cancel", stored.record.reason);
  }

  async #byHand(
    id: string,
    verb: TccByHand["verb"],
    change: (record: TccRecord) => TccRecord | undefined,
  ): Promise<string> {
    checkId(id);
    this.#lifecycle.assertOpen();
    for (;;) {
      const stored = await this.#desk.station.read(id);
      const next = stored === undefined ? undefined : change(stored.record);
      if (stored === undefined || next === undefined) {
        throw wrongStateError(id, verb, stored?.record.state ?? "unknown");
      }
      if (await this.#replace(stored, next)) return next.name;
    }
  }

  async #replace(stored: Stored<TccRecord>, next: TccRecord): Promise<boolean> {
    const { station } = this.#desk;
    const isWritten = (await station.replace(stored, next)) !== undefined;
    if (isWritten) station.nudge(stored.id);
    return isWritten;
  }

  #tellByHand(event: TccByHand): void {
    const { byHand } = this.#desk.events;
    if (byHand.hasSubscribers) byHand.publish(event);
  }
}

function checkParticipants(participants: TccParticipants): Served {
  if (typeof participants !== "object" || participants === null) {
    throw invalidArgument("participants", participants, "participants by name");
  }
  const served = new Map<string, TccParticipants[string]>();
  for (const [name, participant] of Object.entries(participants)) {
    checkPart("participant", name);
    callable(`${name}.try`, participant?.try);
    callable(`${name}.confirm`, participant.confirm);
    callable(`${name}.cancel`, participant.cancel);
    served.set(name, participant);
  }
  if (served.size === 0) throw invalidArgument("participants", participants, "at least one");
  return served;
}

/** What the caller of `run` is told. */
function endOf(id: string, record: TccRecord, cause?: unknown): Json | undefined {
  if (record.state === "confirmed") return record.result;
  if (record.state === "cancelled") throw abortedError(id, record.reason, cause);
  throw inDoubtError(id, record, cause);
}
