/**
 * Random concurrent histories over a world that does one thing at a time, then sometimes spoiled.
 *
 * Unspoiled they are linearizable by construction: each operation happens at a moment between its
 * call and its return, an unknown one at some moment or never.
 */
import type { HistoryEvent } from "./history/event.ts";
import { type History, historyOf } from "./history/history.ts";
import type { Dice, World } from "./workloads.fixture.ts";

/** How large and how bad. */
export interface HistoryShape {
  readonly operations: number;
  readonly clients: number;
  /** Share of operations whose outcome is unknown. */
  readonly unknown: number;
  /** Share of those that never happen. @default 0.4 */
  readonly never?: number;
  /** How many answers, places or lines are spoiled. @default 0 */
  readonly spoiled?: number;
}

interface Call {
  readonly client: number;
  readonly process: string;
  readonly op: number;
  readonly asked: ReturnType<World["ask"]>;
  readonly fate: "ok" | "unknown";
  readonly never: boolean;
  answer: HistoryEvent["v"];
  happened: boolean;
}

/** A history of one key. */
export function randomHistory(dice: Dice, world: World, shape: HistoryShape): History {
  const made = new Maker(dice, world, shape).make();
  const spoiled = shape.spoiled ?? 0;
  for (let left = spoiled; left > 0; left--) spoil(made.events, made.lies, dice);
  return historyOf(made.events);
}

/** A lie for the answer at an index of the events, if it has one. */
type Lies = Map<number, () => HistoryEvent["v"]>;

class Maker {
  readonly #dice: Dice;
  readonly #world: World;
  readonly #shape: HistoryShape;
  readonly #events: HistoryEvent[] = [];
  readonly #lies: Lies = new Map();
  readonly #open: Call[] = [];
  readonly #lost: Call[] = [];
  readonly #names: number[];
  #t = 0;

  constructor(dice: Dice, world: World, shape: HistoryShape) {
    this.#dice = dice;
    this.#world = world;
    this.#shape = shape;
    this.#names = Array.from({ length: shape.clients }, () => 0);
  }

  make(): { events: HistoryEvent[]; lies: Lies } {
    const { operations, clients } = this.#shape;
    let begun = 0;
    while (begun < operations || this.#open.length > 0) {
      this.#t += Math.floor(this.#dice() * 4);
      const idle = clients - this.#open.length;
      if (begun < operations && idle > 0 && this.#dice() < idle / clients + 0.1) {
        this.#begin(begun);
        begun += 1;
      } else this.#progress();
    }
    return { events: this.#events, lies: this.#lies };
  }

  #begin(op: number): void {
    const busy = new Set(this.#open.map(({ client }) => client));
    const free = this.#names.flatMap((_, client) => (busy.has(client) ? [] : [client]));
    const client = free[Math.floor(this.#dice() * free.length)] ?? 0;
    const incarnation = this.#names[client] ?? 0;
    const process = incarnation === 0 ? `c${client}` : `c${client}#${incarnation + 1}`;
    const asked = this.#world.ask(process, this.#dice);
    const fate = this.#dice() < this.#shape.unknown ? "unknown" : "ok";
    const never = fate === "unknown" && this.#dice() < (this.#shape.never ?? 0.4);
    const call: Call = { client, process, op, asked, fate, never, answer: null, happened: false };
    this.#open.push(call);
    this.#events.push({ t: this.#t, p: process, op, type: "invoke", ...asked });
  }

  /** Some call happens or ends; a lost one may happen late. */
  #progress(): void {
    const late = this.#lost.length > 0 && this.#dice() < 0.15;
    const from = late || this.#open.length === 0 ? this.#lost : this.#open;
    const call = from[Math.floor(this.#dice() * from.length)];
    if (call === undefined) return;
    const { asked, fate, op, process: p } = call;
    const early = fate === "unknown" && this.#dice() < 0.4;
    if (!call.happened && !call.never && !early) {
      call.answer = this.#world.happen(p, asked, this.#t);
      call.happened = true;
      if (from === this.#open && this.#dice() < 0.6) return;
    }
    from.splice(from.indexOf(call), 1);
    if (from === this.#lost) return;
    if (fate === "unknown") {
      this.#names[call.client] = (this.#names[call.client] ?? 0) + 1;
      if (!call.happened && !call.never) this.#lost.push(call);
      this.#events.push({ t: this.#t, p, op, type: "info", f: asked.f });
      return;
    }
    const { answer = null } = call;
    this.#lies.set(this.#events.length, () => this.#world.lie(asked, answer, this.#dice));
    this.#events.push({ t: this.#t, p, op, type: "ok", f: asked.f, v: answer });
  }
}

/** Changes one answer, or the order of two neighbours. */
function spoil(events: HistoryEvent[], lies: Lies, dice: Dice): void {
  const answers = [...lies.keys()];
  const at = Math.floor(dice() * (events.length - 1));
  const [one, other] = [events[at], events[at + 1]];
  if (dice() < 0.35 && one !== undefined && other !== undefined && one.p !== other.p) {
    events[at] = { ...other, t: one.t };
    events[at + 1] = { ...one, t: other.t };
    const [first, second] = [lies.get(at), lies.get(at + 1)];
    lies.delete(at);
    lies.delete(at + 1);
    if (second !== undefined) lies.set(at, second);
    if (first !== undefined) lies.set(at + 1, first);
    return;
  }
  const place = answers[Math.floor(dice() * answers.length)];
  const event = place === undefined ? undefined : events[place];
  const lie = place === undefined ? undefined : lies.get(place);
  if (place === undefined || event === undefined || lie === undefined) return;
  events[place] = { ...event, v: lie() ?? null };
}
