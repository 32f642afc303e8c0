/**
 * `@quorate/memory`: the embedded engine, and the waist's executable specification.
 */
export { type MemoryBackend, memoryBackend, type MemoryBackendOptions } from "./backend.ts";
export type { MemoryFaults } from "./handle/faults.ts";
export type { Wire, WireEnd } from "./handle/wire.ts";
export {
  CLAIM_WINDOW_MS,
  type Claim,
  FREE_LINE,
  type Holder,
  type LeaseAnswer,
  type LeaseEffect,
  type LeaseInput,
  type LeaseLine,
  type LeaseStep,
  nextDueMs,
  stepLease,
  type Waiter,
} from "./store/lease-line.ts";
export {
  createMemoryStore,
  type DataFate,
  type MemoryStore,
  type MemoryStoreOptions,
  type MemoryStoreStats,
} from "./store/memory-store.ts";
export type { Now, TtlClock } from "./store/now.ts";
export type { EngineTwin } from "./twin.ts";
