/**
 * The conformance harness of memory: scripted time, and every fault but a failover.
 */
import type { Harness, HarnessFaults } from "@quorate/conformance";
import { type Backend, invariant } from "@quorate/core";
import type { ScriptedRuntime } from "@quorate/core/testing";
import { type MemoryBackend, memoryBackend } from "./backend.ts";
import type { MemoryFaults } from "./handle/faults.ts";
import { createMemoryStore } from "./store/memory-store.ts";

/** A harness whose processes share one store and one scripted clock. */
export function memoryHarness(runtime: ScriptedRuntime): Harness {
  const store = createMemoryStore({ runtime });
  const of = (backend: Backend): MemoryFaults => {
    invariant("faults" in backend, "a backend of another harness");
    return (backend as MemoryBackend).faults;
  };
  const faults: Partial<HarnessFaults> = {
    loseNextReply: (backend) => of(backend).dropNextReply(),
    holdNextRequest: (backend) => of(backend).holdNextRequest(),
    cutLink: (backend) => of(backend).cut(),
    restoreLink: (backend) => of(backend).restore(),
    resetLink: (backend) => of(backend).reset(),
    cutSubscriptions: (backend) => of(backend).reset(),
    pauseProcess: (backend) => of(backend).pauseReplies(),
    resumeProcess: (backend) => of(backend).resumeReplies(),
    freeze: () => store.freeze(),
    thaw: () => store.thaw(),
    killServer: () => store.stop(),
    restartServer: () => store.start(),
    flush: () => store.flush(),
  };
  return {
    name: "memory",
    open: async (options = {}) => {
      const { namespace = "conformance", requestTimeoutMs = 2_000 } = options;
      return memoryBackend({ store, runtime, namespace, requestTimeoutMs, ...options });
    },
    pass: (ms) => runtime.advance(ms),
    faults,
    serverResources: async () => store.stats.subscriptions,
    close: async () => {},
  };
}
