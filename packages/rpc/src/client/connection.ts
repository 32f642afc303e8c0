/**
 * A client's side of the wire: sends requests, finds the answer of each, and tells servers to stop
 * what nobody waits for any more.
 *
 * Guarantees: each request settles by its timeout, by an answer, or earlier when it is ended from
 * here; an answer that comes later, or that is none of ours, finds nobody and is counted; at most
 * `maxInFlight` are under way, those included that were given up and are not yet over.
 */
import { type Backend, Bag, type Bagged, Lifecycle, type Ms, QuorateError } from "@quorate/core";
import type { Contract } from "../contract-types.ts";
import { cancelSubject } from "../subjects.ts";
import type { TraceContext } from "../trace.ts";
import { type Asker, Carrier } from "../packing/carrier.ts";
import { readAnswer, type WireAnswer } from "../wire/answer.ts";
import { encodeCancel } from "../wire/cancel.ts";
import { encodeRequest } from "../wire/request.ts";
import { readFields } from "../wire/text.ts";
import type { StreamWindow } from "../wire/window.ts";
import type { ClientCounts } from "./counts.ts";

/** Most bytes of an answer that are looked at. */
const MAX_MESSAGE_BYTES = 1_048_576;

/** Under which lease this client lives; for servers that end what the dead have begun. */
export interface Identity {
  /** `undefined`: the client's own id. */
  readonly name: string | undefined;
  /** The lease's fencing token, once it is known. */
  readonly epoch: number | undefined;
  /** A request is about to be sent: must be cheap. */
  onSend(): void;
  close(): Promise<void>;
}

/** What is sent. */
export interface Outgoing {
  readonly subject: string;
  /** The instance that `subject` belongs to; `undefined`: any. */
  readonly instance: string | undefined;
  readonly method: string;
  readonly timeoutMs: Ms;
  readonly key: string | undefined;
  readonly triesLeft: number | undefined;
  readonly priority: number;
  readonly trace: TraceContext | undefined;
  readonly window?: StreamWindow | undefined;
  readonly input: unknown;
}

/** What a connection is made of. */
export interface ConnectionParts {
  readonly backend: Backend;
  readonly contract: Contract;
  readonly maxInFlight: number;
  readonly counts: ClientCounts;
}

/** One client's way to its service. */
export class Connection {
  /** This life of the client. */
  readonly id: string;
  readonly backend: Backend;
  readonly contract: Contract;
  readonly counts: ClientCounts;
  readonly lifecycle: Lifecycle;
  identity: Identity | undefined = undefined;
  /** Told of instances that are gone, beside the flights to them. */
  onGone: ((isGone: (instance: string) => boolean) => void) | undefined = undefined;
  readonly #carrier: Carrier;
  readonly #maxInFlight: number;
  readonly #flying = new Bag<Flight>();
  #count = 0;
  /** See `clock-offset.ts`. */
  #era = 0;

  constructor({ backend, contract, counts, maxInFlight }: ConnectionParts) {
    this.backend = backend;
    this.contract = contract;
    this.counts = counts;
    this.id = backend.runtime.ids.operation();
    this.#carrier = new Carrier(backend, this.id);
    this.lifecycle = new Lifecycle(`the client of ${contract.name}`, backend.runtime);
    this.#maxInFlight = maxInFlight;
  }

  /** Requests under way, those given up included. */
  get inFlight(): number {
    return this.#flying.size;
  }

  /**
   * Sends; the flight's promise settles with what `judge` makes of the answer, or rejects with what
   * `explain` makes of the bus's error.
   */
  send(
    sent: Outgoing,
    judge: (answer: WireAnswer) => unknown,
    explain: (error: unknown) => unknown,
  ): Flight {
    if (this.#flying.size >= this.#maxInFlight) throw this.#full();
    const { backend, id, identity } = this;
    const { runtime } = backend;
    this.#count += 1;
    const bytes = encodeRequest({
      id: this.#count,
      method: sent.method,
      client: id,
      name: identity?.name,
      epoch: identity?.epoch,
      remainingMs: sent.timeoutMs,
      sentMs: runtime.time.monotonicMs(),
      era: this.#era,
      key: sent.key,
      triesLeft: sent.triesLeft,
      priority: sent.priority,
      trace: sent.trace,
      window: sent.window,
      input: sent.input,
    });
    identity?.onSend();
    const flight = new Flight(this, this.#count, sent.instance, judge, explain);
    this.#flying.add(flight);
    this.#carrier.ask(sent.subject, bytes, sent.timeoutMs, flight);
    return flight;
  }

  /** The flight is over, however. */
  landed(flight: Flight): void {
    this.#flying.remove(flight);
  }

  /** A server called a request too late that was answered in time: it misjudges our clock. */
  distrustClock(): void {
    this.#era += 1;
  }

  /** Tells all instances that nobody waits for the call any more. Best effort. */
  cancel(id: number): void {
    const { backend, contract } = this;
    const bytes = encodeCancel({ client: this.id, id });
    backend.bus.publish(cancelSubject(contract), bytes).catch(() => {});
  }

  /** Ends the flights to an instance that is gone. */
  endInstance(isGone: (instance: string) => boolean, reason: () => unknown): void {
    for (const flight of this.#flying.all()) {
      if (flight.instance !== undefined && isGone(flight.instance)) flight.end(reason());
    }
    this.onGone?.(isGone);
  }

  /** Ends all flights. */
  endAll(reason: unknown): void {
    for (const flight of this.#flying.all()) flight.end(reason);
  }

  /** After the flights. */
  close(): Promise<void> {
    return this.#carrier.close();
  }

  #full(): QuorateError<"BULKHEAD_FULL"> {
    const { name } = this.contract;
    const running = this.#flying.size;
    const most = this.#maxInFlight;
    const message = `${running} calls to ${name} are under way, at most ${most} may be`;
    const details = { bulkhead: `rpc ${name}`, running, queued: 0 };
    return new QuorateError("BULKHEAD_FULL", message, { effect: "none", details });
  }
}

/** One request under way. */
export class Flight implements Asker, Bagged {
  place: number = -1;
  readonly id: number;
  readonly instance: string | undefined;
  /** Settles once; a late answer changes nothing. */
  readonly promise: Promise<unknown>;
  readonly #connection: Connection;
  readonly #judge: (answer: WireAnswer) => unknown;
  readonly #explain: (error: unknown) => unknown;
  #resolve!: (value: unknown) => void;
  #reject!: (reason: unknown) => void;
  #isOver = false;

  constructor(
    connection: Connection,
    id: number,
    instance: string | undefined,
    judge: (answer: WireAnswer) => unknown,
    explain: (error: unknown) => unknown,
  ) {
    this.id = id;
    this.instance = instance;
    this.#connection = connection;
    this.#judge = judge;
    this.#explain = explain;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Gives up: it rejects with `reason`, and the server is told. Nothing if it is over. */
  end(reason: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection.cancel(this.id);
    this.#reject(reason);
  }

  /** The bus has an answer. */
  onAnswer(data: Uint8Array): void {
    this.#connection.landed(this);
    const { counts } = this.#connection;
    if (this.#isOver) return void (counts.late += 1);
    this.#isOver = true;
    const fields = readFields(data, MAX_MESSAGE_BYTES);
    const answer = fields === undefined ? undefined : readAnswer(fields);
    if (answer === undefined) {
      counts.unreadable += 1;
      return this.#reject(unreadable());
    }
    try {
      this.#resolve(this.#judge(answer));
    } catch (error) {
      this.#reject(error);
    }
  }

  /** The bus has none. */
  onError(error: unknown): void {
    this.#connection.landed(this);
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reject(this.#explain(error));
  }
}

function unreadable(): QuorateError<"OUTCOME_UNKNOWN"> {
  const message = "the answer was none of this version of the protocol; the call may have run";
  const details = { operation: "rpc answer" };
  return new QuorateError("OUTCOME_UNKNOWN", message, { effect: "unknown", details });
}
