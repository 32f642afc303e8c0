/**
 * The runtime of a server over all its lives: whatever its node's present incarnation has.
 *
 * A store outlives the incarnations of its node, as a disk does; what it asks of time and chance
 * goes to the one that runs.
 */
import type { Runtime } from "@quorate/core";
import type { SimNode } from "../kernel/node.ts";

/** A runtime that follows `node` over its restarts. */
export function presentRuntimeOf(node: SimNode): Runtime {
  return {
    time: {
      monotonicMs: () => node.runtime.time.monotonicMs(),
      wallMs: () => node.runtime.time.wallMs(),
      setTimer: (delayMs, callback, options) => {
        return node.runtime.time.setTimer(delayMs, callback, options);
      },
    },
    random: {
      next: () => node.runtime.random.next(),
      bytes: (length) => node.runtime.random.bytes(length),
    },
    ids: {
      unique: () => node.runtime.ids.unique(),
      operation: () => node.runtime.ids.operation(),
    },
    events: { channel: (name) => node.runtime.events.channel(name) },
  };
}
