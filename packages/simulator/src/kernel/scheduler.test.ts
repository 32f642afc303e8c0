import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { EventHeap } from "./event-heap.ts";
import { MAX_EVENTS_PER_INSTANT, Scheduler } from "./scheduler.ts";
import { isBefore, SimEvent } from "./sim-event.ts";

function runAll(scheduler: Scheduler, untilUs = Infinity): void {
  while (scheduler.step(untilUs) === "ran");
}

describe("virtual time", () => {
  it("jumps from event to event, and is whole microseconds", () => {
    const scheduler = new Scheduler(1);
    const at: number[] = [];
    for (const delay of [30.2, 10, 20.7]) {
      scheduler.schedule(delay, undefined, "action", () => at.push(scheduler.nowUs));
    }
    runAll(scheduler);
    expect(at).toEqual([10, 21, 31]);
  });

  it("stops at a bound, and goes on from there", () => {
    const scheduler = new Scheduler(1);
    scheduler.schedule(50, undefined, "action", () => {});
    expect(scheduler.step(40)).toBe("idle");
    expect([scheduler.nowUs, scheduler.pending]).toEqual([40, 1]);
    expect(scheduler.step(60)).toBe("ran");
    expect(scheduler.nowUs).toBe(50);
  });

  it("never goes back: what is scheduled into the past happens now", () => {
    const scheduler = new Scheduler(1);
    scheduler.schedule(100, undefined, "action", () => {
      scheduler.scheduleAt(5, undefined, "action", () => {});
    });
    runAll(scheduler);
    expect(scheduler.nowUs).toBe(100);
  });

  it("takes an instant that does not end for a livelock", () => {
    const scheduler = new Scheduler(1);
    const again = (): void => void scheduler.schedule(0, undefined, "action", again);
    again();
    let steps = 0;
    while (scheduler.step(Infinity) === "ran") steps += 1;
    expect(steps).toBe(MAX_EVENTS_PER_INSTANT);
    expect(scheduler.step(Infinity)).toBe("livelock");
  });

  it("does not mind as many events when time goes on between them", () => {
    const scheduler = new Scheduler(1);
    let left = MAX_EVENTS_PER_INSTANT + 10;
    const again = (): void => {
      left -= 1;
      if (left > 0) scheduler.schedule(1, undefined, "action", again);
    };
    again();
    runAll(scheduler);
    expect(left).toBe(0);
  });

  it("orders events of one instant by the seed", () => {
    const orderOf = (salt: number): string => {
      const scheduler = new Scheduler(salt);
      const order: number[] = [];
      for (let index = 0; index < 8; index++) {
        scheduler.schedule(10, undefined, "action", () => order.push(index));
      }
      runAll(scheduler);
      return order.join("");
    };
    expect(orderOf(1)).toBe(orderOf(1));
    expect(new Set(Array.from({ length: 20 }, (_, salt) => orderOf(salt))).size).toBeGreaterThan(
      15,
    );
  });

  it("forgets what was cancelled, also twice, and keeps count", () => {
    const scheduler = new Scheduler(1);
    let ran = 0;
    const events = Array.from({ length: 2_000 }, (_, index) =>
      scheduler.schedule(index, undefined, "timer", () => (ran += 1)),
    );
    for (const event of events.slice(0, 1_900)) {
      scheduler.cancel(event);
      scheduler.cancel(event);
    }
    expect(scheduler.pending).toBe(100);
    runAll(scheduler);
    expect([ran, scheduler.pending]).toEqual([100, 0]);
  });
});

describe("the heap of events", () => {
  it("gives them in order, whatever is pushed, cancelled and moved", () => {
    const eventsOf = fc.array(
      fc.record({ at: fc.nat(50), tie: fc.nat(3), cancel: fc.boolean(), move: fc.nat(50) }),
      { maxLength: 600 },
    );
    fc.assert(
      fc.property(eventsOf, fc.boolean(), (specs, rebuild) => {
        const heap = new EventHeap();
        const events = specs.map(({ at, tie }, index) => {
          const event = new SimEvent(undefined, "timer", () => {});
          Object.assign(event, { atUs: at, tie, sequence: index });
          heap.push(event);
          return event;
        });
        specs.forEach(({ cancel }, index) => {
          if (!cancel) return;
          events[index]!.over = true;
          heap.noteCancelled();
        });
        if (rebuild) heap.rebuild((event) => void (event.atUs = specs[event.sequence]!.move));
        const expected = events.filter(({ over }) => !over);
        expected.sort((a, b) => (isBefore(a, b) ? -1 : 1));
        expect(heap.live).toBe(expected.length);
        const given: SimEvent[] = [];
        for (let next = heap.peek(); next !== undefined; next = heap.peek()) {
          given.push(next);
          heap.pop();
        }
        expect(given.map(({ sequence }) => sequence)).toEqual(
          expected.map(({ sequence }) => sequence),
        );
      }),
      { numRuns: 200 },
    );
  });
});
