/**
 * The doors to the real world that the guard closes, each with what stands in its place.
 */
import type { Door } from "./door.ts";
import {
  abortAfter,
  fillRandom,
  highResolution,
  randomBelow,
  randomUuid,
  SimDate,
  sleepFor,
  startImmediate,
  startInterval,
  startTimeout,
  stopTimer,
} from "./simulated-globals.ts";

const TIME = "take time from the process's Runtime";
const CHANCE = "take chance and ids from the process's Runtime";
const OUTSIDE = "simulate it by a store or by datagrams";

type Simulate = NonNullable<Door["simulate"]>;

/** A plain function. */
function call(door: Omit<Door, "stand">): Door {
  const stand: Door["stand"] = (real, answer) => {
    const stands = function (this: unknown, ...args: unknown[]): unknown {
      const answered = answer(args);
      return answered === undefined ? Reflect.apply(real as never, this, args) : answered.value;
    };
    // What hangs on a function goes on to hang there: `setTimeout[util.promisify.custom]`.
    return Object.defineProperties(stands, Object.getOwnPropertyDescriptors(real as object));
  };
  return { ...door, stand };
}

function ofGlobal(property: string, cure: string, simulate?: Simulate): Door {
  const name = `${property}()`;
  return call({ name, owner: () => globalThis, property, cure, ...(simulate && { simulate }) });
}

function of(owner: string, property: string, cure: string, simulate?: Simulate): Door {
  const find = (): object | undefined => Reflect.get(globalThis, owner) as object | undefined;
  const name = `${owner}.${property}()`;
  return call({ name, owner: find, property, cure, ...(simulate && { simulate }) });
}

function ofModule(module: string, property: string, cure: string, simulate?: Simulate): Door {
  const name = `${property}() of ${module}`;
  return call({ name, module, property, cure, ...(simulate && { simulate }) });
}

/** `Date` itself: without an argument it reads the clock, with one it is plain arithmetic. */
const DATE: Door = {
  name: "new Date()",
  owner: () => globalThis,
  property: "Date",
  cure: TIME,
  stand: (real, answer) => SimDate(real as DateConstructor, answer),
  simulate: (node) => node.runtime.time.wallMs(),
};

/** `process.hrtime`, with its `bigint`. */
const HRTIME: Door = {
  name: "process.hrtime()",
  owner: () => process,
  property: "hrtime",
  cure: TIME,
  stand: (real, answer) => highResolution(real as NodeJS.HRTime, answer),
  simulate: (node) => node.runtime.time.monotonicMs(),
};

const timerDoors = (make: (name: string, simulate?: Simulate) => Door): Door[] => [
  make("setTimeout", startTimeout),
  make("setInterval", startInterval),
  make("setImmediate", startImmediate),
];

const stopperDoors = (make: (name: string, simulate?: Simulate) => Door): Door[] =>
  ["clearTimeout", "clearInterval", "clearImmediate"].map((name) => {
    const door = make(name);
    return { ...door, stand: (real: unknown) => stopTimer(real as (timer: never) => void) };
  });

/** Every door, those of globals before those of modules. */
export const DOORS: readonly Door[] = [
  DATE,
  HRTIME,
  of("process", "exit", "let main end, or kill the node"),
  of("performance", "now", TIME, (node) => node.runtime.time.monotonicMs()),
  of("process", "uptime", TIME, (node) => node.runtime.time.monotonicMs() / 1_000),
  ...timerDoors((name, simulate) => ofGlobal(name, TIME, simulate)),
  ...stopperDoors((name) => ofGlobal(name, TIME)),
  of("AbortSignal", "timeout", TIME, abortAfter),
  of("Math", "random", CHANCE, (node) => node.runtime.random.next()),
  of("crypto", "randomUUID", CHANCE, randomUuid),
  of("crypto", "getRandomValues", CHANCE, fillRandom),
  ofGlobal("fetch", OUTSIDE),
  // Not those of `node:timers`: Node itself calls them, to go on after an uncaught error.
  ofModule("node:timers/promises", "setTimeout", TIME, sleepFor),
  ofModule("node:timers/promises", "setImmediate", TIME, (node, [value]) =>
    sleepFor(node, [0, value]),
  ),
  ofModule("node:timers/promises", "setInterval", TIME),
  ofModule("node:crypto", "randomUUID", CHANCE, randomUuid),
  ofModule("node:crypto", "getRandomValues", CHANCE, fillRandom),
  ofModule("node:crypto", "randomFillSync", CHANCE, fillRandom),
  ofModule("node:crypto", "randomFill", CHANCE),
  ofModule("node:crypto", "randomBytes", CHANCE, (node, [size, callback]) => {
    const bytes = Buffer.from(node.runtime.random.bytes(Number(size)));
    if (typeof callback !== "function") return bytes;
    return void node.schedule(0, "action", () => void callback(null, bytes));
  }),
  ofModule("node:crypto", "randomInt", CHANCE, randomBelow),
];
