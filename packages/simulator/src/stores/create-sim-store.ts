/**
 * How a store comes into a simulated world: checked, built, and open to the plan's faults.
 */
import { invalidArgument, knownOptions, nonNegative } from "@quorate/core";
import type { Kernel } from "../kernel/kernel.ts";
import { SimStore, type SimStoreOptions } from "./sim-store.ts";
import { offerStoreFaults } from "./store-faults.ts";

/** How far back a failover or a kill may forget if nobody says otherwise. */
const DEFAULT_UNDO_MS = 10_000;

/**
 * Adds a store to a simulated world.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be, or the name is taken.
 */
export function createSimStore(
  kernel: Kernel,
  name: string,
  options: SimStoreOptions = {},
): SimStore {
  const known = ["engine", "replication", "undoMs", "faults", "clockFaults"] as const;
  knownOptions("options", options, known);
  const { engine = "memory", replication = "single", undoMs = DEFAULT_UNDO_MS } = options;
  const { faults = true, clockFaults = false } = options;
  if (!["memory", "redis", "nats"].includes(engine)) {
    throw invalidArgument("engine", engine, '"memory", "redis" or "nats"');
  }
  if (replication !== "single" && replication !== "replicated") {
    throw invalidArgument("replication", replication, '"single" or "replicated"');
  }
  nonNegative("undoMs", undoMs);
  const store = new SimStore(kernel, name, { engine, replication, undoMs });
  if (faults) offerStoreFaults(kernel, store, { undoMs, clockFaults });
  return store;
}
