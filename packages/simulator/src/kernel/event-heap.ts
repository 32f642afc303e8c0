/**
 * A binary heap of events, earliest first; cancelled ones stay until they surface.
 *
 * Most timers are deadlines that are met, and so cancelled long before they are due. Taking each
 * out would cost a search; instead they are skipped, and swept out when they outnumber the living.
 */
import { isBefore, type SimEvent } from "./sim-event.ts";

const SWEEP_AT_LEAST = 256;

/** Events by their time. */
export class EventHeap {
  #events: SimEvent[] = [];
  #cancelled = 0;

  /** Events that wait and are not cancelled. */
  get live(): number {
    return this.#events.length - this.#cancelled;
  }

  push(event: SimEvent): void {
    const events = this.#events;
    let index = events.length;
    events.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = events[parent] as SimEvent;
      if (isBefore(above, event)) break;
      events[index] = above;
      index = parent;
    }
    events[index] = event;
  }

  /** The earliest that is not cancelled. */
  peek(): SimEvent | undefined {
    for (;;) {
      const first = this.#events[0];
      if (first === undefined || !first.over) return first;
      this.#cancelled -= 1;
      this.#removeFirst();
    }
  }

  /** Takes out what `peek` gave. */
  pop(): void {
    this.#removeFirst();
  }

  /** One of those that wait was marked as over. */
  noteCancelled(): void {
    this.#cancelled += 1;
    if (this.#cancelled > SWEEP_AT_LEAST && this.#cancelled * 2 > this.#events.length) {
      this.rebuild(() => {});
    }
  }

  /** Lets `change` move any event in time, then orders them anew. */
  rebuild(change: (event: SimEvent) => void): void {
    const kept = this.#events.filter(({ over }) => !over);
    for (const event of kept) change(event);
    this.#events = kept;
    this.#cancelled = 0;
    for (let index = (kept.length >> 1) - 1; index >= 0; index--) this.#sink(index);
  }

  #removeFirst(): void {
    const last = this.#events.pop();
    if (last === undefined || this.#events.length === 0) return;
    this.#events[0] = last;
    this.#sink(0);
  }

  #sink(from: number): void {
    const events = this.#events;
    const { length } = events;
    const sinking = events[from] as SimEvent;
    let index = from;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= length) break;
      const right = child + 1;
      if (right < length && isBefore(events[right] as SimEvent, events[child] as SimEvent)) {
        child = right;
      }
      const below = events[child] as SimEvent;
      if (!isBefore(below, sinking)) break;
      events[index] = below;
      index = child;
    }
    events[index] = sinking;
  }
}
