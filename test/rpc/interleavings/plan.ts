/**
 * What is explored: which calls are made by whom, and what may go wrong.
 */

/** Kinds of methods of the explored contract. */
export type Kind = "unsafe" | "safe" | "keyed";

/** One exploration. */
export interface Plan {
  readonly name: string;
  /** The calls of each client, one after another. */
  readonly clients: readonly (readonly Kind[])[];
  readonly servers: number;
  /** Callers choose their instance from a registry, and learn from it which is gone. */
  readonly byEndpoints?: boolean;
  /** What may go wrong. */
  readonly faults: readonly Fault[];
  /** How much of it in one run. */
  readonly maxFaults: number;
}

/** What may go wrong. */
export type Fault =
  | "lose"
  | "duplicate"
  /** A server dies; before, in or after a call. */
  | "crash"
  /** A client dies. */
  | "client-crash"
  /** All that is on its way is slower than its caller's patience. */
  | "slow"
  /** A caller gives up. */
  | "abort"
  /** A handler throws after its effect. */
  | "fail";

const ALL: readonly Fault[] = [
  "lose",
  "duplicate",
  "crash",
  "client-crash",
  "slow",
  "abort",
  "fail",
];

/** What `npm test` runs a part of, those with the fewest faults first. */
export const SLICE: readonly Plan[] = [
  { name: "unsafe", clients: [["unsafe"], ["unsafe"]], servers: 2, faults: ALL, maxFaults: 1 },
  { name: "keyed", clients: [["keyed"], ["keyed"]], servers: 2, faults: ALL, maxFaults: 1 },
  { name: "safe", clients: [["safe"]], servers: 2, faults: ALL, maxFaults: 2 },
  {
    name: "unsafe, twice in a row",
    clients: [["unsafe", "unsafe"]],
    servers: 1,
    faults: ALL,
    maxFaults: 2,
  },
  {
    name: "unsafe, by endpoints",
    clients: [["unsafe"]],
    servers: 2,
    byEndpoints: true,
    faults: ALL,
    maxFaults: 2,
  },
];

/** Minutes to hours: all that a budget allows. */
export const FULL: readonly Plan[] = [
  ...SLICE.map((plan) => ({ ...plan, maxFaults: plan.maxFaults + 1 })),
  {
    name: "unsafe beside keyed",
    clients: [["unsafe"], ["keyed"]],
    servers: 2,
    faults: ALL,
    maxFaults: 2,
  },
  {
    name: "two in a row each",
    clients: [["unsafe", "keyed"], ["safe"]],
    servers: 2,
    faults: ALL,
    maxFaults: 1,
  },
];
