/**
 * A twin: what the memory engine takes over of the engine that it stands in for.
 *
 * Code that asks `capabilities` or `name` must find in a simulation what it finds in production,
 * and leases must be made the way that engine's adapter makes them.
 */
import type { Capabilities, Ms } from "@quorate/core";

/** What makes a backend in memory another engine's twin. */
export interface EngineTwin {
  /** As the adapter's `backend.name`. */
  readonly name: string;
  /** As the adapter promises them in the set-up that is meant. */
  readonly capabilities: Capabilities;
  /** Made by the store in one step, or by `leasesOverKv` on its kv. */
  readonly leases: "native" | "over-kv";
  /** Of leases over kv: by how much the store's age of a record may be too long. @default 1000 */
  readonly skewAllowanceMs?: Ms;
  /** Whether `kv.fenced` is there, or guards have to build fenced writes from puts. */
  readonly fencedWrites: boolean;
}
