/**
 * A history: events in the order of their time, and the operations that they make up.
 *
 * Whoever holds a `History` holds a well-formed one: time does not fall, nobody does two things at
 * once, every end has its beginning, and nobody goes on after an unknown outcome. An operation
 * that failed is not there: nothing happened. One that has no end is there with outcome unknown.
 */
import { invalidArgument, type Json } from "@quorate/core";
import { checkEvent, type HistoryEvent } from "./event.ts";

/** A call and what came of it. */
export interface Operation {
  /** The history's number of the operation. */
  readonly op: number;
  readonly process: string;
  /** The object asked; empty where the history names none. */
  readonly key: string;
  readonly f: string;
  readonly argument: Json;
  /** `null` when there was none, and when the outcome is unknown. */
  readonly result: Json;
  /** `unknown`: it may have happened once, may happen later, or never. */
  readonly outcome: "ok" | "unknown";
  readonly calledMs: number;
  /** Infinity when the outcome is unknown: from then on it may happen at any time. */
  readonly returnedMs: number;
  /** Place of the call among the events; decides what came before where times are equal. */
  readonly callIndex: number;
  /** Place of the return; Infinity when the outcome is unknown. */
  readonly returnIndex: number;
}

/** A well-formed history. Make one with `historyOf`, `parseHistory` or a `HistoryRecorder`. */
export interface History {
  readonly events: readonly HistoryEvent[];
  /** By call. Without the failed ones. */
  readonly operations: readonly Operation[];
  /** Time of the last event; 0 of an empty history. */
  readonly endMs: number;
}

interface Begun {
  readonly event: HistoryEvent;
  readonly callIndex: number;
  ended: { readonly event: HistoryEvent; readonly returnIndex: number } | undefined;
}

/**
 * The history of `events`, in the order given.
 *
 * @throws INVALID_ARGUMENT naming the line (from 1) and what is wrong with it.
 *
 * @example
 * const history = historyOf([
 *   { t: 0, p: "a", op: 0, type: "invoke", f: "write", v: 1 },
 *   { t: 2, p: "a", op: 0, type: "ok", f: "write" },
 * ]);
 * console.log(history.operations.length);
 */
export function historyOf(events: Iterable<HistoryEvent>): History {
  const pairing = new Pairing();
  const kept: HistoryEvent[] = [];
  for (const candidate of events) {
    const place = `history line ${kept.length + 1}`;
    const event = checkEvent(place, candidate);
    pairing.add(event, kept.length, place);
    kept.push(event);
  }
  return pairing.finish(kept);
}

/** Events of one history, each put where it belongs. */
export class Pairing {
  readonly #begun = new Map<number, Begun>();
  /** What each process is doing; `over` after an unknown outcome. */
  readonly #processes = new Map<string, HistoryEvent | "idle" | "over">();
  #lastMs = Number.NEGATIVE_INFINITY;

  /** Takes event number `index`, from 0. @throws INVALID_ARGUMENT it does not fit, at `line`. */
  add(event: HistoryEvent, index: number, line: string): void {
    if (event.t < this.#lastMs) {
      throw invalidArgument(`${line}: t`, event.t, `at least ${this.#lastMs}, as the line before`);
    }
    this.#lastMs = event.t;
    if (event.type === "invoke") this.#begin(line, event, index);
    else this.#end(line, event, index);
  }

  /** All operations so far. */
  finish(events: readonly HistoryEvent[]): History {
    const operations: Operation[] = [];
    for (const begun of this.#begun.values()) {
      if (begun.ended?.event.type !== "fail") operations.push(operationOf(begun));
    }
    return { events, operations, endMs: events.at(-1)?.t ?? 0 };
  }

  #begin(line: string, event: HistoryEvent, index: number): void {
    const doing = this.#processes.get(event.p) ?? "idle";
    if (this.#begun.has(event.op)) {
      throw invalidArgument(`${line}: op`, event.op, "a number that no operation had before");
    }
    if (doing === "over") {
      const cure = "a new name: its last outcome is unknown, so that call may still be under way";
      throw invalidArgument(`${line}: p`, event.p, cure);
    }
    if (doing !== "idle") {
      throw invalidArgument(`${line}: p`, event.p, `idle, but operation ${doing.op} has no end`);
    }
    this.#processes.set(event.p, event);
    this.#begun.set(event.op, { event, callIndex: index, ended: undefined });
  }

  #end(line: string, event: HistoryEvent, index: number): void {
    const begun = this.#begun.get(event.op);
    if (begun === undefined || begun.ended !== undefined) {
      const cure = begun === undefined ? "begun before it ends" : "ended once";
      throw invalidArgument(`${line}: op`, event.op, cure);
    }
    const { p, f, k } = begun.event;
    if (event.p !== p) throw invalidArgument(`${line}: p`, event.p, `${p}, who began it`);
    if (event.f !== f) throw invalidArgument(`${line}: f`, event.f, `${f}, as it was begun`);
    if (event.k !== undefined && event.k !== (k ?? "")) {
      throw invalidArgument(`${line}: k`, event.k, `${k ?? "empty"}, as it was begun`);
    }
    begun.ended = { event, returnIndex: index };
    this.#processes.set(p, event.type === "info" ? "over" : "idle");
  }
}

function operationOf({ event, callIndex, ended }: Begun): Operation {
  const ok = ended?.event.type === "ok";
  return {
    op: event.op,
    process: event.p,
    key: event.k ?? "",
    f: event.f,
    argument: event.v ?? null,
    result: ok ? (ended.event.v ?? null) : null,
    outcome: ok ? "ok" : "unknown",
    calledMs: event.t,
    returnedMs: ok ? ended.event.t : Infinity,
    callIndex,
    returnIndex: ok ? ended.returnIndex : Infinity,
  };
}
