/**
 * An enclosure: a world in which specimens are looked for. Any scenario is one.
 */
import type { Scenario } from "../simulate/scenario.ts";

/** A world, what is claimed in it, and the least that must happen there. */
export type Enclosure = Pick<Scenario, "name" | "claim" | "durationMs" | "atLeast" | "world">;
