/**
 * What sagas tell the world: events on `runtime.events`, by default `node:diagnostics_channel`.
 *
 * Names, ids and numbers only, never an input or an output. An event that nobody subscribes to
 * costs one property read. Takeovers and scans are the worker's: `quorate:transaction.*`.
 */
import type { CallLeaves, EventChannel, Events, Ms, WorkBegins } from "@quorate/core";
import type { InputKind } from "./inputs.ts";
import type { SagaState } from "./record.ts";

/** Whom an event is about. */
interface Subject {
  readonly saga: string;
  readonly version: number;
  readonly id: string;
}

/**
 * `quorate:saga.starting`: its record is about to be created; a tracer gives it the context that it
 * carries. The id may turn out to be taken.
 */
export interface SagaStartingEvent extends Subject, CallLeaves {}

/**
 * `quorate:saga.attempting`: a function of a step is about to be called, within what a tracer wraps
 * around it. `trace`: where the saga was started.
 */
export interface SagaAttemptEvent extends Subject, WorkBegins {
  readonly step: string;
  readonly doing: "run" | "undo" | "check";
  /** From 1. */
  readonly attempt: number;
}

/** `quorate:saga.started`: a record was created. */
export type SagaStartedEvent = Subject;

/** `quorate:saga.step`: something about a step was stored. */
export interface SagaStepEvent extends Subject {
  /** Empty: of the saga as a whole. */
  readonly step: string;
  readonly what: InputKind;
  readonly attempts: number;
}

/** `quorate:saga.decided`: it turned back; undos follow. */
export interface SagaDecidedEvent extends Subject {
  readonly cause: string;
  readonly step: string;
}

/** `quorate:saga.stuck`: a flag was raised; once per flag. */
export interface SagaStuckEvent extends Subject {
  /** `charge`, `charge:undo`, or a part of the saga itself. */
  readonly what: string;
  /** Nothing more is tried without an operator. */
  readonly isParked: boolean;
}

/** `quorate:saga.ended`: its outcome stands. */
export interface SagaEndedEvent extends Subject {
  readonly state: SagaState;
  /** From its start, by wall clocks. */
  readonly tookMs: Ms;
}

/** `quorate:saga.verb`: an operator's word was stored. */
export interface SagaVerbEvent extends Subject {
  readonly verb: string;
  readonly target: string;
  readonly by: string;
  readonly why: string;
}

/** `quorate:saga.definition-changed`: a record of this version has another shape; left as it is. */
export type SagaDefinitionChangedEvent = Subject;

/** The channels of one `Sagas`, looked up once. */
export interface SagaEvents {
  readonly starting: EventChannel<SagaStartingEvent>;
  readonly attempting: EventChannel<SagaAttemptEvent>;
  readonly started: EventChannel<SagaStartedEvent>;
  readonly step: EventChannel<SagaStepEvent>;
  readonly decided: EventChannel<SagaDecidedEvent>;
  readonly stuck: EventChannel<SagaStuckEvent>;
  readonly ended: EventChannel<SagaEndedEvent>;
  readonly verb: EventChannel<SagaVerbEvent>;
  readonly definitionChanged: EventChannel<SagaDefinitionChangedEvent>;
}

/** Looks up the channels. */
export function sagaEvents(events: Events): SagaEvents {
  return {
    starting: events.channel("saga.starting"),
    attempting: events.channel("saga.attempting"),
    started: events.channel("saga.started"),
    step: events.channel("saga.step"),
    decided: events.channel("saga.decided"),
    stuck: events.channel("saga.stuck"),
    ended: events.channel("saga.ended"),
    verb: events.channel("saga.verb"),
    definitionChanged: events.channel("saga.definition-changed"),
  };
}
