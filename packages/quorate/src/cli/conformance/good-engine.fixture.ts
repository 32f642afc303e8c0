/**
 * An engine as a user hands it in: backends on one store, by its contract alone.
 */
import type { OpenOptions } from "@quorate/conformance";
import type { Backend } from "@quorate/core";
import { createMemoryStore, memoryBackend } from "@quorate/memory";

const store = createMemoryStore();

/** A fresh backend on the same store. */
export function createBackend(options: OpenOptions): Backend {
  return memoryBackend({ store, ...options });
}
