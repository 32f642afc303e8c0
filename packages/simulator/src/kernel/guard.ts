/**
 * The guard: the doors by which code reaches real time, chance and I/O, closed while a run lasts.
 *
 * Code that reads a real clock, sets a real timer or draws real chance cannot be replayed. So
 * while an event runs these doors refuse, loudly and by name; in the mode `simulate` most of them
 * lead to the clock, timers and chance of the process whose event it is, so that code which was
 * not written against a `Runtime` can be simulated as it is. Between two runs they let through.
 *
 * Guarantees: every door is put back as it was, also after a failure. Does not catch: file system,
 * sockets, zlib, `crypto.subtle`, worker threads, dynamic imports. What waits for those hangs in
 * virtual time, and is reported as stuck, with the real resources that the run left open.
 */
import { syncBuiltinESMExports } from "node:module";
import { QuorateError } from "@quorate/core";
import type { Door } from "./door.ts";
import { DOORS } from "./doors.ts";
import { builtinModule } from "./host.ts";
import type { Kernel } from "./kernel.ts";
import { SimNode } from "./node.ts";

/** What a door does during a run. */
export type GlobalsMode = "refuse" | "simulate";

interface Guarded {
  readonly kernel: Kernel;
  readonly mode: GlobalsMode;
}

/** The run that is on; one at a time in a thread. */
let active: Guarded | undefined;

/** Closes the doors for what runs now. */
export function beginGuard(kernel: Kernel, mode: GlobalsMode): void {
  active = { kernel, mode };
}

/** Opens them. */
export function endGuard(): void {
  active = undefined;
}

/** How many want the doors to hang, and the way to take them out. */
const installed = { holders: 0, restore: (): void => {} };

/** Hangs the doors in; when all who did so have called the result, they are taken out again. */
export function installGuard(): () => void {
  if (installed.holders === 0) installed.restore = hangAll();
  installed.holders += 1;
  let isHeld = true;
  return () => {
    if (!isHeld) return;
    isHeld = false;
    installed.holders -= 1;
    if (installed.holders === 0) installed.restore();
  };
}

function hangAll(): () => void {
  const restorers = DOORS.flatMap(hang).reverse();
  syncBuiltinESMExports();
  return () => {
    for (const restore of restorers) restore();
    syncBuiltinESMExports();
  };
}

function hang(door: Door): (() => void)[] {
  const owner = ownerOf(door);
  if (owner === undefined) return [];
  const real: unknown = Reflect.get(owner, door.property);
  if (real === undefined) return [];
  const own = Object.getOwnPropertyDescriptor(owner, door.property);
  if (own?.configurable === false) return []; // Node keeps that one; its other names are doors.
  const value = door.stand(real, (args) => answer(door, args));
  const enumerable = own?.enumerable ?? false;
  Object.defineProperty(owner, door.property, {
    value,
    enumerable,
    configurable: true,
    writable: true,
  });
  return [
    () => {
      if (own === undefined) Reflect.deleteProperty(owner, door.property);
      else Object.defineProperty(owner, door.property, own);
    },
  ];
}

function ownerOf({ module, owner }: Door): object | undefined {
  if (module === undefined) return owner?.();
  return builtinModule(module);
}

/** What a call of a door comes to: `undefined` lets it through. */
function answer(door: Door, args: readonly unknown[]): { readonly value: unknown } | undefined {
  if (active === undefined) return undefined;
  const { kernel, mode } = active;
  const { current } = kernel.scheduler;
  if (mode === "simulate" && door.simulate !== undefined && current instanceof SimNode) {
    return { value: door.simulate(current, args) };
  }
  throw refusal(kernel, door, current?.name);
}

function refusal(kernel: Kernel, door: Door, process: string | undefined): QuorateError {
  const who = process === undefined ? "the world's own code" : process;
  const message = `${door.name} was called by ${who} inside a simulation; ${door.cure}`;
  const details = { feature: door.name };
  const error = new QuorateError("UNSUPPORTED", message, { effect: "none", details });
  // Recorded as well as thrown: the code under test may catch it and go on.
  kernel.violate("no real time, chance or I/O", error.message, error);
  return error;
}
