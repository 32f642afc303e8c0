/**
 * Sagas, as their users see them: started, waited for, looked at, and helped along.
 */
import type { Json, Ms } from "@quorate/core";
import type { ErrandOptions } from "../errands/options.ts";
import type { Worker } from "../kernel/worker.ts";
import type { AnySaga, Saga } from "./define-saga.ts";
import type { SagaInspection } from "./inspect.ts";
import type { PayloadCodec } from "./payloads.ts";
import type { SagaState } from "./record.ts";

/** Options of `createSagas`. */
export interface SagasOptions {
  /** The worker to drive with, shared with TCC and two-phase commit. @default one of its own */
  readonly worker?: Worker;
  /** How long ended sagas are kept; a late `start` of the id begins anew then. @default 7 days */
  readonly retentionMs?: Ms;
  /**
   * Takeovers without progress after which a saga is parked: it may kill its workers.
   * @default 5
   */
  readonly maxTakeovers?: number;
  /**
   * What becomes of inputs, outputs and results before they are stored: encryption.
   * @default none
   */
  readonly codec?: PayloadCodec;
  /**
   * Whether operators' verbs are carried out that other processes send over the bus (`remote`),
   * for the definitions that are served here. Whoever may publish in the backend's namespace may
   * send them. @default false; true in `connect` of `quorate`
   */
  readonly remoteVerbs?: boolean;
}

/** What is started. */
export interface StartOptions<Input> {
  /** The business id, at most 128 bytes: starting it twice is one saga. */
  readonly id: string;
  readonly input: Input;
}

/** How long to wait for a result. */
export interface ResultOptions {
  /** @default no bound */
  readonly timeoutMs?: Ms;
  readonly signal?: AbortSignal | undefined;
}

/** A saga that was started. */
export interface SagaHandle<Output> {
  readonly id: string;
  /** False: it was there already, with this very input. */
  readonly isNew: boolean;
  /**
   * What the saga returned. Waiting does not change it; leaving does not stop it.
   *
   * @throws SAGA_COMPENSATED it ended undone.
   * @throws SAGA_STUCK it waits for an operator.
   * @throws SAGA_PENDING it had not ended in `timeoutMs`, and goes on.
   */
  result(options?: ResultOptions): Promise<Output>;
}

/** Who does it, and why: kept in the record. No secrets. */
export interface VerbOptions {
  /** 1 to 128 bytes. */
  readonly by: string;
  /** 1 to 256 bytes. */
  readonly why: string;
}

/** What `list` looks for; all that are given must hold. */
export interface SagaFilter {
  readonly state?: SagaState;
  /** Whether a flag is raised. */
  readonly stuck?: boolean;
  /** Started longer ago than this. */
  readonly olderThanMs?: Ms;
  /** Name of the definition. */
  readonly name?: string;
  readonly signal?: AbortSignal;
}

/** Sagas of one backend. */
export interface Sagas extends AsyncDisposable {
  /**
   * This process runs these definitions from now on, and takes up what others left of them: of
   * these names and versions only. Sagas inside of them are served too.
   *
   * @throws INVALID_ARGUMENT another shape of the same name and version is served.
   */
  serve(...definitions: readonly AnySaga[]): void;
  /**
   * Starts a saga in this process; resolves when its record is stored. Served from then on.
   *
   * @throws INVALID_ARGUMENT the input does not fit the schema; nothing was stored.
   * @throws INSTANCE_MISMATCH the id is taken by another input or definition.
   * @throws OUTCOME_UNKNOWN it may have started: start it again with the same id.
   * @throws STORE_UNAVAILABLE it did not start.
   */
  start<Input, Output>(
    definition: Saga<Input, Output>,
    options: StartOptions<Input>,
    wait?: { readonly signal?: AbortSignal | undefined },
  ): Promise<SagaHandle<Output>>;
  /** `start`, and its result. @throws as both */
  run<Input, Output>(
    definition: Saga<Input, Output>,
    options: StartOptions<Input>,
    wait?: ResultOptions,
  ): Promise<Output>;
  /** The saga `id`, with operators' verbs; `undefined`: there is none. */
  get(id: string): Promise<SagaControl | undefined>;
  /**
   * The same for a process that does not serve its definition: each verb is sent over the bus to
   * one that does, with `remoteVerbs`, and its answer is waited for. What `resolve` and `force`
   * carry crosses the bus as it is, without the `codec`.
   *
   * The verbs throw as those of `get`, and:
   * @throws NO_RESPONDERS nobody serves this very definition with `remoteVerbs`. Nothing was done.
   * @throws TIMEOUT no answer came: look at the audit before you ask again.
   * @throws REMOTE_FAILED it failed there; the effect says whether it was done.
   * @throws TOO_LARGE the output has more than 256 KiB, or more than the bus takes.
   */
  remote(id: string, options?: ErrandOptions): Promise<SagaControl | undefined>;
  /** What is known of `id`; `undefined`: there is none. */
  inspect(id: string): Promise<SagaInspection | undefined>;
  /** All that are stored and fit, in the order of their ids. */
  list(filter?: SagaFilter): AsyncIterable<SagaInspection>;
  /** The saga as it is, then each change; `undefined`: there is none. Ends by the signal. */
  watch(
    id: string,
    options?: { readonly signal?: AbortSignal },
  ): AsyncIterable<SagaInspection | undefined>;
  /** How many are not ended, by version of `name`: what must still be served. */
  versions(name: string, options?: { readonly signal?: AbortSignal }): Promise<Map<number, number>>;
  /**
   * Stops: begins no step, waits up to `graceMs` for those in hand, lets go of the rest for others
   * to take up. A worker that was handed in stays open. Twice is fine.
   * @default graceMs 5000
   */
  close(options?: { readonly graceMs?: Ms }): Promise<void>;
}

/**
 * One saga, and what an operator may do about it. Each verb is one write, kept in the record's
 * audit with who and why; it reaches whoever drives the saga at once.
 *
 * @throws WRONG_STATE the verb does not apply to what the saga is now. Nothing was written.
 * @throws DEFINITION_CHANGED its definition is not served here, or has another shape.
 */
export interface SagaControl extends SagaInspection {
  /** Tries at once what waits or is parked: one step or undo (`charge`, `charge:undo`), or all. */
  retry(target: string | undefined, options: VerbOptions): Promise<void>;
  /**
   * Goes on without: a step at hand counts as passed and is not undone; an undo counts as done.
   */
  skip(target: string, options: VerbOptions): Promise<void>;
  /** Somebody knows that the step at hand took effect, with this output; or that it is undone. */
  resolve(target: string, output: Json | undefined, options: VerbOptions): Promise<void>;
  /** Turns back; not once the pivot may have begun. Nothing of what is undone stops by it. */
  cancel(options: VerbOptions): Promise<void>;
  /** Ends it as it is, undone or not: the last resort. */
  force(
    state: "done" | "compensated",
    options: VerbOptions & { readonly result?: Json },
  ): Promise<void>;
}
