/**
 * The scheduler: virtual time, and what happens next in it.
 *
 * Time is a whole number of microseconds that jumps from event to event. A fraction would let two
 * parties round each other down for ever at one instant; for the same reason an instant in which
 * 100,000 events happen ends the run. Events of the same instant are ordered by a tie drawn from
 * the seed and their owner's own count, so that one seed tries one order, another another, and an
 * event more at one node changes nobody else's order.
 *
 * Sans-I/O: `step` runs one event; who calls it sees to it that promises have settled in between.
 */
import { EventHeap } from "./event-heap.ts";
import { mix } from "./seed.ts";
import { SimEvent, type EventKind, type EventOwner } from "./sim-event.ts";
import { Witness } from "./witness.ts";

/** Events at one instant after which the run is taken for a livelock. */
export const MAX_EVENTS_PER_INSTANT = 100_000;

/** What `step` came to. */
export type Step = "ran" | "idle" | "livelock";

/** Virtual time and its events. */
export class Scheduler {
  /** What the run notes of itself. */
  readonly witness: Witness;
  readonly #heap = new EventHeap();
  readonly #salt: number;
  #nowUs = 0;
  #sequence = 0;
  #worldTies = 0;
  #executed = 0;
  #atThisInstant = 0;
  #current: EventOwner | undefined;
  #label = "";

  /** `salt` decides the order of events at one instant. */
  constructor(salt: number, witness: Witness = new Witness()) {
    this.#salt = mix(salt);
    this.witness = witness;
  }

  /** World time since the start, in whole microseconds. No process can read it. */
  get nowUs(): number {
    return this.#nowUs;
  }

  /** Events run so far. */
  get executed(): number {
    return this.#executed;
  }

  /** Whose event runs now, or ran last. */
  get current(): EventOwner | undefined {
    return this.#current;
  }

  /** What the event that runs now is: for errors. */
  get label(): string {
    return this.#label;
  }

  /** Events that wait. */
  get pending(): number {
    return this.#heap.live;
  }

  /** Runs `run` `delayUs` from now as an event of `owner`; `undefined`: of the world. */
  schedule(
    delayUs: number,
    owner: EventOwner | undefined,
    kind: EventKind,
    run: () => void,
  ): SimEvent {
    return this.scheduleAt(this.#nowUs + delayUs, owner, kind, run);
  }

  /** Runs `run` at `atUs`, now if that has passed. */
  scheduleAt(
    atUs: number,
    owner: EventOwner | undefined,
    kind: EventKind,
    run: () => void,
  ): SimEvent {
    const event = new SimEvent(owner, kind, run);
    event.tie = this.tieOf(owner);
    this.put(event, atUs);
    return event;
  }

  /** A place within an instant, drawn for the next event of `owner`. */
  tieOf(owner: EventOwner | undefined): number {
    return mix(this.#salt ^ (owner === undefined ? this.#worldTies++ : owner.nextTie()));
  }

  /** Puts an event into the future, again or for the first time; its tie stays. */
  put(event: SimEvent, atUs: number): void {
    event.atUs = atUs > this.#nowUs ? Math.ceil(atUs) : this.#nowUs;
    event.sequence = this.#sequence++;
    event.parked = false;
    this.#heap.push(event);
  }

  /** Forgets an event that waits; twice, or after it ran, it does nothing. */
  cancel(event: SimEvent): void {
    if (event.over) return;
    event.over = true;
    if (!event.parked) this.#heap.noteCancelled();
  }

  /** Moves those of `owner`'s events for which `retime` gives a new time. */
  retime(owner: EventOwner, retime: (event: SimEvent) => number | undefined): void {
    this.#heap.rebuild((event) => {
      if (event.owner !== owner) return;
      const atUs = retime(event);
      if (atUs !== undefined) event.atUs = Math.max(this.#nowUs, Math.ceil(atUs));
    });
  }

  /** When the next event happens. */
  nextUs(): number | undefined {
    return this.#heap.peek()?.atUs;
  }

  /** Runs the next event if it is due by `untilUs`. What it throws comes out. */
  step(untilUs: number): Step {
    for (;;) {
      const event = this.#heap.peek();
      if (event === undefined || event.atUs > untilUs) return this.#idle(untilUs);
      if (event.atUs !== this.#nowUs) {
        this.#nowUs = event.atUs;
        this.#atThisInstant = 0;
      } else if (this.#atThisInstant >= MAX_EVENTS_PER_INSTANT) return "livelock";
      this.#heap.pop();
      this.#atThisInstant += 1;
      const { owner } = event;
      if (owner !== undefined && !owner.admits(event)) continue;
      event.over = true;
      this.#executed += 1;
      this.#current = owner;
      this.#label = event.kind;
      this.witness.hash.event(event.atUs, owner?.key ?? 0, event.tie);
      event.run();
      return "ran";
    }
  }

  /** Nothing runs now: what follows is the world's own doing. */
  leave(): void {
    this.#current = undefined;
    this.#label = "";
  }

  #idle(untilUs: number): Step {
    if (Number.isFinite(untilUs) && untilUs > this.#nowUs) {
      this.#nowUs = untilUs;
      this.#atThisInstant = 0;
    }
    return "idle";
  }
}
