/**
 * The conformance harness of memory over a wire: every message takes turns of the loop,
 * and every fault happens to the wire or to the server, never to what a process knows.
 */
import type { Harness, HarnessFaults } from "@quorate/conformance";
import { type Backend, invariant } from "@quorate/core";
import type { ScriptedRuntime } from "@quorate/core/testing";
import { memoryBackend } from "./backend.ts";
import { ScriptedWire } from "./scripted-wire.fixture.ts";
import { createMemoryStore } from "./store/memory-store.ts";

const TURNS_PER_PASS = 20;

/** A harness whose processes reach one store over a wire each. */
export function wiredHarness(runtime: ScriptedRuntime, hops: number): Harness {
  const store = createMemoryStore({ runtime });
  const wires = new WeakMap<Backend, ScriptedWire>();
  const of = (backend: Backend): ScriptedWire => {
    const wire = wires.get(backend);
    invariant(wire !== undefined, "a backend of another harness");
    return wire;
  };
  const faults: Partial<HarnessFaults> = {
    loseNextReply: (backend) => of(backend).loseNextReply(),
    holdNextRequest: (backend) => of(backend).holdNext(),
    cutLink: (backend) => of(backend).cut(),
    restoreLink: async (backend) => {
      of(backend).restore();
      await runtime.advance(1_000); // By then it has knocked again.
    },
    resetLink: (backend) => of(backend).reset(),
    cutSubscriptions: (backend) => of(backend).reset(),
    pauseProcess: (backend) => of(backend).pauseProcess(),
    resumeProcess: (backend) => of(backend).resumeProcess(),
    freeze: () => store.freeze(),
    thaw: () => store.thaw(),
    killServer: () => store.stop(),
    restartServer: async () => {
      store.start();
      await runtime.advance(1_000);
    },
    flush: () => store.flush(),
  };
  return {
    name: `memory over a wire of ${hops} hops`,
    open: async (options = {}) => {
      const { namespace = "conformance", requestTimeoutMs = 2_000 } = options;
      const wire = new ScriptedWire(hops);
      const backend = memoryBackend({
        store,
        runtime,
        wire,
        namespace,
        requestTimeoutMs,
        ...options,
      });
      wires.set(backend, wire);
      return backend;
    },
    pass: async (ms) => {
      // Scripted time must not outrun what needs only turns of the loop.
      for (let turn = 0; turn < TURNS_PER_PASS; turn++) await turnOfTheLoop();
      await runtime.advance(ms);
    },
    faults,
    serverResources: async () => store.stats.subscriptions,
    close: async () => {},
  };
}

function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
