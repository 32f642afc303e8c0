/**
 * What sagas tell the world: events on `runtime.events`, by default `node:diagnostics_channel`.
 *
 * Names, ids and numbers only, never an input or an output. An event that nobody subscribes to
 * costs one property read. Takeovers and scans are the worker's: `quorate:transaction.*`.
 */
import type { EventChannel, Events } from "@quorate/core";
import type { InputKind } from "./inputs.ts";
import type { SagaState } from "./record.ts";

/** Whom an event is about. */
interface Subject {
  readonly saga: string;
  readonly version: number;
  readonly id: string;
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
    started: events.channel("saga.started"),
    step: events.channel("saga.step"),
    decided: events.channel("saga.decided"),
    stuck: events.channel("saga.stuck"),
    ended: events.channel("saga.ended"),
    verb: events.channel("saga.verb"),
    definitionChanged: events.channel("saga.definition-changed"),
  };
}
