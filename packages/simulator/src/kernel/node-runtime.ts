/**
 * The runtime of one incarnation of a node: its clocks, timers, chance, ids and events.
 *
 * Production code is handed this where it would be handed `systemRuntime`, and cannot tell. When
 * the incarnation is killed its runtime falls silent: timers that were set never fire, new ones
 * are not set, events are not heard; nothing throws, since a killed process does not notice. Its
 * clocks can still be read, so a check may ask what a dead process believed, and until when.
 */
import {
  createIds,
  type EventChannel,
  type Events,
  type Ids,
  invariant,
  type Random,
  type Runtime,
  type Time,
  type Timer,
} from "@quorate/core";
import type { NodeClock } from "./node-clock.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SimEvent } from "./sim-event.ts";

/** What an incarnation's runtime needs of its node. */
export interface RuntimeHost {
  readonly scheduler: Scheduler;
  readonly clock: NodeClock;
  /** What the node's monotonic clock showed when this incarnation's would have shown zero. */
  readonly originUs: number;
  /** How fine the wall clock shows: a millisecond in Node, a microsecond in servers. */
  readonly wallTickUs: number;
  /** Whether this incarnation still runs. */
  isAlive(): boolean;
  /** A timer of this incarnation, due in `delayUs` by its monotonic clock. */
  setTimer(delayUs: number, callback: () => void): SimEvent;
  /** A timer that waited was cancelled. */
  timerCancelled(): void;
  /** An event was published. */
  publish(name: string, event: object): void;
}

/** Makes the runtime of one incarnation. */
export function nodeRuntime(host: RuntimeHost, random: Random): Runtime {
  const time = nodeTime(host);
  const ids: Ids = createIds(time, random);
  return { time, random, ids, events: nodeEvents(host) };
}

function nodeTime(host: RuntimeHost): Time {
  const { scheduler, clock, originUs, wallTickUs } = host;
  return {
    monotonicMs: () => (clock.steadyUs(scheduler.nowUs) - originUs) / 1_000,
    wallMs: () => {
      const ticks = Math.floor(clock.wallUs(scheduler.nowUs) / wallTickUs);
      return (ticks * wallTickUs) / 1_000;
    },
    setTimer(delayMs, callback): Timer {
      invariant(!Number.isNaN(delayMs), "a timer's delay is not a number");
      if (!host.isAlive() || delayMs === Infinity) return NEVER;
      const event = host.setTimer(Math.max(0, delayMs) * 1_000, callback);
      return {
        cancel() {
          if (event.over) return;
          scheduler.cancel(event);
          host.timerCancelled();
        },
      };
    },
  };
}

const NEVER: Timer = { cancel: () => {} };

function nodeEvents(host: RuntimeHost): Events {
  const channels = new Map<string, EventChannel<object>>();
  return {
    channel<T extends object>(name: string): EventChannel<T> {
      const known = channels.get(name);
      if (known !== undefined) return known;
      const channel: EventChannel<object> = {
        hasSubscribers: true,
        publish: (event) => {
          if (host.isAlive()) host.publish(name, event);
        },
      };
      channels.set(name, channel);
      return channel;
    },
  };
}
