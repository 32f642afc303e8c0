/**
 * The engine behind `TwoPhase`: checks at the door, participants by name, upkeep.
 */
import {
  type Backend,
  callable,
  invalidArgument,
  knownOptions,
  Lifecycle,
  linkedController,
  type Ms,
  nonNegative,
  positive,
  positiveInteger,
  raceAbort,
  sleep,
} from "@quorate/core";
import { createWorker, type Worker } from "../kernel/worker.ts";
import { runAlone } from "./alone.ts";
import { answerFor, ask } from "./ask.ts";
import {
  type Branch,
  checkSegment,
  MAX_ID_BYTES,
  MAX_PARTICIPANT_BYTES,
  TAG_LENGTH,
} from "./branch.ts";
import { ageOf, callParticipant, type Desk } from "./desk.ts";
import { driverOf } from "./driver.ts";
import { twoPhaseEvents } from "./events.ts";
import { settingsOf, type TwoPhaseOptions } from "./options.ts";
import type { Answer, Participant } from "./participant.ts";
import { hex, realmOf } from "./realm.ts";
import { MAX_PARTICIPANTS, type TwoPhaseRecord } from "./record.ts";
import { type AnyWork, type Plan, runTwoPhase, type Waiting } from "./run.ts";
import { sweep, type Swept } from "./sweep.ts";
import type { InDoubt, Nobody, TwoPhase, TwoPhaseRunOptions } from "./two-phase.ts";

const DEFAULT_GRACE_MS = 5_000;

/**
 * Two-phase commit on `backend`, whose store keeps the decisions.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * import { memoryBackend } from "@quorate/memory";
 * import { createTwoPhase, kvParticipant } from "@quorate/transaction";
 * const backend = memoryBackend();
 * const twoPhase = createTwoPhase(backend).serve({
 *   orders: kvParticipant(backend, "orders"),
 *   stock: kvParticipant(backend, "stock"),
 * });
 * await twoPhase.run("order-7", ["orders", "stock"], async ({ orders, stock }) => {
 *   orders.put("7", "1 x apple");
 *   stock.put("apple", String(Number((await stock.get("apple")) ?? "9") - 1));
 * });
 * console.log(await twoPhase.decision("order-7")); // => committed
 * await twoPhase.close();
 */
export function createTwoPhase(backend: Backend, options: TwoPhaseOptions = {}): TwoPhase<Nobody> {
  if (typeof backend?.kv?.put !== "function") {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  return new TwoPhaseEngine(backend, options) as unknown as TwoPhase<Nobody>;
}

class TwoPhaseEngine {
  readonly #desk: Desk;
  readonly #lifecycle: Lifecycle;
  readonly #worker: Worker;
  readonly #ownsWorker: boolean;
  readonly #waiting: Waiting = new Map();
  readonly #ready = new Map<string, Promise<void>>();
  #realm: Promise<string> | undefined;
  #upkeep: Promise<void> | undefined;

  constructor(backend: Backend, options: TwoPhaseOptions) {
    const settings = settingsOf(options);
    const { leaseMs, worker } = options;
    this.#lifecycle = new Lifecycle("the two-phase coordinator", backend.runtime);
    this.#ownsWorker = worker === undefined;
    this.#worker = worker ?? createWorker(backend, leaseMs === undefined ? {} : { leaseMs });
    const participants: Desk["participants"] = new Map();
    const events = twoPhaseEvents(backend.runtime.events);
    const desk = { backend, settings, events, participants, realm: () => this.#askRealm() };
    const station = this.#worker.register(driverOf(() => this.#desk, this.#waiting, settings.name));
    this.#desk = { ...desk, station };
  }

  serve(participants: Record<string, Participant<unknown>>): this {
    this.#lifecycle.assertOpen();
    const names = Object.keys(participants);
    for (const name of names) {
      checkSegment("participants", name, MAX_PARTICIPANT_BYTES);
      callable(`participants.${name}.begin`, participants[name]?.begin);
      if (this.#desk.participants.has(name)) {
        throw invalidArgument("participants", name, "a name that is not served yet");
      }
    }
    for (const name of names) {
      const participant = participants[name] as Participant<unknown>;
      this.#desk.participants.set(name, participant);
      participant.attach?.({ decision: (branch, call) => this.#decisionOn(branch, call?.signal) });
    }
    this.#desk.station.recover();
    this.#upkeep ??= this.#keepSweeping();
    return this;
  }

  async ready(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    this.#lifecycle.assertOpen();
    await Promise.all(
      [...this.#desk.participants.keys()].map((name) => this.#checked(name, options.signal)),
    );
  }

  async run(
    id: string,
    names: readonly string[],
    work: AnyWork,
    options: TwoPhaseRunOptions = {},
  ): Promise<unknown> {
    this.#lifecycle.assertOpen();
    checkSegment("id", id, MAX_ID_BYTES);
    callable("work", work);
    knownOptions("options", options, ["deadlineMs", "signal"]);
    const deadlineMs = positive("deadlineMs", options.deadlineMs ?? this.#desk.settings.deadlineMs);
    const participants = this.#named(names);
    const { signal } = options;
    signal?.throwIfAborted();
    return this.#lifecycle.track(
      this.#run({ id, names: [...names], participants, deadlineMs, signal }, work),
    );
  }

  async decision(
    id: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Answer | undefined> {
    this.#lifecycle.assertOpen();
    checkSegment("id", id, MAX_ID_BYTES);
    knownOptions("options", options, ["signal"]);
    return answerFor(this.#desk, { id, signal: options.signal });
  }

  async inDoubt(
    options: { readonly limit?: number; readonly signal?: AbortSignal } = {},
  ): Promise<readonly InDoubt[]> {
    this.#lifecycle.assertOpen();
    knownOptions("options", options, ["limit", "signal"]);
    const limit = positiveInteger("limit", options.limit ?? 1_000);
    const { signal } = options;
    const found: InDoubt[] = [];
    for await (const { id, record } of this.#desk.station.list(
      signal === undefined ? {} : { signal },
    )) {
      if (record.progress.kind !== "ended") found.push(viewOf(this.#desk, id, record));
      if (found.length >= limit) break;
    }
    return found.toSorted((left, right) => right.ageMs - left.ageMs);
  }

  async sweep(options: { readonly signal?: AbortSignal } = {}): Promise<Swept> {
    this.#lifecycle.assertOpen();
    const control = linkedController(this.#lifecycle.stopping, options.signal);
    try {
      return await sweep(this.#desk, control.signal);
    } finally {
      control.detach();
    }
  }

  close(options: { readonly graceMs?: Ms } = {}): Promise<void> {
    const graceMs = nonNegative("graceMs", options.graceMs ?? DEFAULT_GRACE_MS);
    return this.#lifecycle.close(graceMs, async () => {
      await this.#upkeep;
      if (this.#ownsWorker) await this.#worker.close({ graceMs });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(request: Request, work: AnyWork): Promise<unknown> {
    const { id, names, participants, deadlineMs, signal } = request;
    await Promise.all(names.map((name) => this.#checked(name, signal)));
    const [only] = participants;
    const tag = hex(this.#desk.backend.runtime.random.bytes(TAG_LENGTH / 2));
    const { name } = this.#desk.settings;
    const realm = await this.#askRealm();
    const branches = names.map((participant) => ({ name, realm, id, tag, participant }));
    const last = participants.findIndex(({ isLastResource }) => isLastResource === true);
    const lastResource = names[last] ?? "";
    const plan: Plan = { id, tag, branches, lastResource, deadlineMs, signal };
    const isAlone = participants.length === 1 && only?.canCommitAlone === true;
    if (isAlone) return runAlone(this.#desk, plan, work);
    return runTwoPhase(this.#desk, plan, work, this.#waiting);
  }

  #named(names: readonly string[]): readonly Participant<unknown>[] {
    const bounds = `1 to ${MAX_PARTICIPANTS} different names that are served`;
    const isSane = Array.isArray(names) && names.length >= 1 && names.length <= MAX_PARTICIPANTS;
    if (!isSane || new Set(names).size < names.length)
      throw invalidArgument("names", names, bounds);
    const participants = names.map((name) => {
      const participant = this.#desk.participants.get(name);
      if (participant === undefined) throw invalidArgument("names", name, bounds);
      return participant;
    });
    if (participants.filter(({ isLastResource }) => isLastResource === true).length > 1) {
      throw invalidArgument("names", names.join(", "), "of one last resource at most");
    }
    return participants;
  }

  /** Each participant is asked once whether it can; one that could not is asked again. */
  #checked(participant: string, signal: AbortSignal | undefined): Promise<void> {
    const known = this.#ready.get(participant);
    if (known !== undefined) return raceAbort(known, signal);
    const one = this.#desk.participants.get(participant);
    if (one?.ready === undefined) return Promise.resolve();
    const facts = { id: "", participant, doing: "begin" } as const;
    const asked = callParticipant(this.#desk, facts, undefined, async (call) => one.ready?.(call));
    this.#ready.set(participant, asked);
    asked.catch(() => this.#ready.delete(participant));
    return raceAbort(asked, signal);
  }

  async #decisionOn(branch: Branch, signal: AbortSignal | undefined): Promise<Answer> {
    const { id, tag, name, realm } = branch;
    const isOurs = name === this.#desk.settings.name && realm === (await this.#askRealm());
    // Another store's: nobody here may presume anything.
    return isOurs ? ask(this.#desk, { id, tag, signal }) : "undecided";
  }

  #askRealm(): Promise<string> {
    if (this.#realm !== undefined) return this.#realm;
    const asked = realmOf(this.#desk.backend, this.#desk.settings.name);
    this.#realm = asked;
    asked.catch(() => (this.#realm = undefined));
    return asked;
  }

  async #keepSweeping(): Promise<void> {
    const { runtime } = this.#desk.backend;
    const { stopping } = this.#lifecycle;
    while (!stopping.aborted) {
      const restMs = this.#desk.settings.sweepMs * (0.75 + runtime.random.next() / 2);
      try {
        await sleep(runtime, restMs, { signal: stopping, keepAlive: false });
      } catch {
        return;
      }
      await sweep(this.#desk, stopping);
    }
  }
}

interface Request {
  readonly id: string;
  readonly names: readonly string[];
  readonly participants: readonly Participant<unknown>[];
  readonly deadlineMs: Ms;
  readonly signal: AbortSignal | undefined;
}

function viewOf(desk: Desk, id: string, record: TwoPhaseRecord): InDoubt {
  const { progress, ownership, deadlineAtMs } = record;
  const isDecided = progress.kind === "decided";
  return {
    id,
    state: isDecided ? progress.decision : "preparing",
    ageMs: ageOf(desk, record),
    isLate: desk.backend.runtime.time.wallMs() >= deadlineAtMs,
    participants: isDecided ? progress.pending : record.participants,
    owner: ownership.owner,
  };
}
