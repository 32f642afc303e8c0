/**
 * `@quorate/ring`: who owns a key, and what moves when the nodes change.
 */
export {
  BoundedLoad,
  boundedLoad,
  type BoundedLoadOptions,
  type NodeLoad,
  type Slot,
} from "./bounded-load.ts";
export { DirectoryMap, type DirectoryMapOptions } from "./directory-map.ts";
export { HashRing, type HashRingOptions, type KetamaOptions } from "./hash-ring.ts";
export { fmix32, murmur3 } from "./hash/murmur3.ts";
export type { RingHash } from "./hash/ring-hash.ts";
export { JumpHash } from "./jump-hash.ts";
export { jumpBucket } from "./jump/bucket.ts";
export type { KetamaDialect } from "./ketama.ts";
export { Maglev, type MaglevOptions } from "./maglev.ts";
export type { Move } from "./moves.ts";
export type {
  NodeLike,
  Owners,
  OwnersOptions,
  PlacedNode,
  Placement,
  PlacementNode,
} from "./placement.ts";
export type {
  PlanFlow,
  PlanNode,
  PlanSvgOptions,
  PlanTableOptions,
  RingPlan,
} from "./plan/ring-plan.ts";
export type { HashRange, RingMove } from "./ring-moves.ts";
export {
  type KeyRange,
  type OwnedRange,
  RangeMap,
  type RangeMapOptions,
  type RangeStart,
} from "./range-map.ts";
export { Rendezvous } from "./rendezvous.ts";
