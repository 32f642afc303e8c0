/**
 * `@quorate/memory`: the embedded engine, and the waist's executable specification.
 */
export { type MemoryBackend, memoryBackend, type MemoryBackendOptions } from "./backend.ts";
export type { MemoryFaults } from "./handle/faults.ts";
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
  type MemoryStore,
  type MemoryStoreOptions,
  type MemoryStoreStats,
} from "./store/memory-store.ts";
export type { Now } from "./store/now.ts";
