/**
 * The host: the few things of the real Node.js that the simulator stands on.
 *
 * Everything else in this package lives in virtual time; this file alone knows the event loop
 * below it. The functions are kept as they were when the module was loaded, before anything
 * replaced them.
 */

import { createHook } from "node:async_hooks";

// Destructured, so that what is kept is Node's own even while a guard stands in its place.
const { setImmediate: nextMacrotask } = globalThis;

/** Runs `action` in a macrotask of its own: no promise job is on the stack below it. */
export function enterMacrotask(action: () => void): void {
  isOurs = true;
  nextMacrotask(action);
  isOurs = false;
}

/** A macrotask of our own is being asked for: no escape of the code under simulation. */
let isOurs = false;

/** Resolves after a turn of the real event loop; everything else of the process may run in it. */
export function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => void nextMacrotask(resolve));
}

/**
 * Runs every `nextTick` callback and promise job that is due, and those that they make, before it
 * returns. Undocumented, in every Node from 0.x to 26; does nothing when a promise job is on the
 * stack. `undefined` where it is missing.
 */
export function tickCallback(): (() => void) | undefined {
  const { _tickCallback: tick } = process as unknown as { _tickCallback?: unknown };
  return typeof tick === "function" ? () => void Reflect.apply(tick, process, []) : undefined;
}

/** Kinds of real resources that are open: timers, file requests, ports; but for printing. */
export function openResources(): ReadonlyMap<string, number> {
  openStandardStreams();
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (!kind.endsWith("WriteWrap")) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** They are made by the first look at them: code under simulation may be the first to print. */
function openStandardStreams(): void {
  for (const stream of ["stdout", "stderr"]) void Reflect.get(process, stream);
}

/** A module of Node itself, the object that all importers share. */
export function builtinModule(name: string): object | undefined {
  return process.getBuiltinModule(name);
}

/**
 * Lets errors be made without their stacks, which cost more than all else about them; the result
 * puts the limit back. A run that fails is made again with stacks.
 */
export function withoutStacks(): () => void {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  return () => void (Error.stackTraceLimit = stackTraceLimit);
}

/** What virtual time has in its hand, and what printing takes; all else lives in real time. */
const HARMLESS = new Set(["PROMISE", "TickObject", "Microtask", "SimTimer", "WRITEWRAP"]);

/** Tells of each real resource that is opened: a timer, a file, a socket, a hash in a thread. */
export function watchResources(opened: (kind: string) => void): () => void {
  const hook = createHook({
    init(_id, kind) {
      if (!isOurs && !HARMLESS.has(kind)) opened(kind);
    },
  });
  openStandardStreams();
  hook.enable();
  return () => void hook.disable();
}

/** What nobody caught. */
export type Uncaught = "unhandledRejection" | "uncaughtException";

/**
 * Sends unhandled rejections and uncaught exceptions to `listener` alone; the result puts back
 * whoever listened before.
 */
export function captureUncaught(listener: (kind: Uncaught, reason: unknown) => void): () => void {
  const kinds: readonly Uncaught[] = ["unhandledRejection", "uncaughtException"];
  const restorers = kinds.map((kind) => {
    const before = process.listeners(kind as "uncaughtException");
    const ours = (reason: unknown): void => listener(kind, reason);
    process.removeAllListeners(kind);
    process.on(kind as "uncaughtException", ours);
    return (): void => {
      process.off(kind, ours);
      for (const one of before) process.on(kind as "uncaughtException", one);
    };
  });
  return () => {
    for (const restore of restorers) restore();
  };
}
