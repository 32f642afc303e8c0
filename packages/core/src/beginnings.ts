/**
 * Events of what is about to begin, in which a tracer can have a hand.
 *
 * Most events tell what has happened. Two kinds tell what is about to: work that this process is
 * about to run, which a subscriber may run within a context of its own; and a message or record
 * that is about to leave, which a subscriber may give a place in a trace. So a tracer needs
 * nothing but the channels, and without one each costs a property read.
 *
 * Guarantees: work runs once, in the caller's turn, and its result and error are its own, whatever
 * subscribers do: one that throws, or forgets to call the work, changes nothing. What is no trace
 * context is not carried.
 */
import type { EventChannel } from "./runtime/runtime.ts";
import { type TraceContext, traceContext } from "./trace.ts";

/** Calls `work` once, at once, and returns its result: `(work) => context.with(mine, work)`. */
export type Around = <T>(work: () => T) => T;

/** What an event of work that is about to begin has besides its facts. */
export interface WorkBegins {
  /** Where the work comes from, as its message or record tells it. */
  readonly trace: TraceContext | undefined;
  /** Runs the work within `wrap`; of several, the last one given is the outermost. */
  around(wrap: Around): void;
}

/** What an event of something that is about to leave has besides its facts. */
export interface CallLeaves {
  /** The place in a trace that it will carry, as things stand. */
  readonly trace: TraceContext | undefined;
  /** Lets it carry this one instead; ignored if it is none. */
  carry(trace: TraceContext): void;
}

/** Tells that work is about to begin. What is returned runs it, once or more. */
export function workBegins<E extends object>(
  channel: EventChannel<E & WorkBegins>,
  facts: E,
  trace?: TraceContext,
): Around {
  let run: Around = (work) => work();
  const around = (wrap: Around): void => {
    const inner = run;
    run = (work) => within(wrap, () => inner(work));
  };
  channel.publish({ ...facts, trace, around });
  return (work) => run(work);
}

/** Tells that something is about to leave. What is returned is the context that it carries. */
export function callLeaves<E extends object>(
  channel: EventChannel<E & CallLeaves>,
  facts: E,
  trace?: TraceContext,
): TraceContext | undefined {
  let carried = trace;
  const carry = (given: TraceContext): void => {
    carried = traceContext(given?.traceparent, given?.tracestate) ?? carried;
  };
  channel.publish({ ...facts, trace, carry });
  return carried;
}

function within<T>(wrap: Around, work: () => T): T {
  let settled: (() => T) | undefined;
  const once = (): T => {
    settled ??= settle(work);
    return settled();
  };
  try {
    wrap(once);
  } catch {
    // The work's own error is thrown again below; any other is the wrapper's, and not the work's.
  }
  return once();
}

/** Runs `work` now, and gives its result as often as it is asked for. */
function settle<T>(work: () => T): () => T {
  try {
    const value = work();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
