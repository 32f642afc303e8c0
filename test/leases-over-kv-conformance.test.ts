/**
 * Leases over nothing but a kv, judged by the whole conformance suite: memory's kv and bus, with
 * the leases that core builds on the kv in place of memory's own.
 */
import { runConformance, type TestApi } from "@quorate/conformance";
import type { Harness } from "@quorate/conformance";
import { type Backend, invariant, leasesOverKv, Lifecycle } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { createMemoryStore, memoryBackend, type MemoryBackend } from "@quorate/memory";
import { afterAll, describe, expect, it } from "vitest";

const test: TestApi = {
  describe,
  // oxlint-disable-next-line vitest/valid-title -- the suite names its cases
  it: (name, body) => it(name, async () => expect(await body()).toBeUndefined()),
  afterAll,
};

const SKEW_ALLOWANCE_MS = 100;

function overKv(runtime: ScriptedRuntime): Harness {
  const store = createMemoryStore({ runtime });
  const inner = new Map<Backend, readonly MemoryBackend[]>();
  const each = (act: (backend: MemoryBackend) => void) => (backend: Backend) => {
    const backends = inner.get(backend);
    invariant(backends !== undefined, "a backend of another harness");
    backends.forEach(act);
  };
  return {
    name: "memory's kv alone",
    open: async (options = {}) => {
      const { namespace = "conformance", requestTimeoutMs = 2_000 } = options;
      const own = options.runtime ?? runtime;
      const common = { store, runtime: own, requestTimeoutMs };
      const backend = memoryBackend({ ...common, namespace });
      // A keyspace wholly its own, so that the longest names fit and the user's kv is not littered.
      const beside = memoryBackend({ ...common, namespace: `${namespace}-leases` });
      const lifecycle = new Lifecycle("the memory backend", own);
      const leases = leasesOverKv(beside.kv, {
        runtime: own,
        requestTimeoutMs,
        lifecycle,
        skewAllowanceMs: SKEW_ALLOWANCE_MS,
        // Revisions are microseconds of the store's clock.
        ageMs: async (entry) => runtime.time.wallMs() - entry.revision / 1_000,
      });
      const { kv, bus, capabilities } = backend;
      const close: Backend["close"] = (how = {}) =>
        lifecycle.close(how.graceMs ?? 1_000, async () => {
          await Promise.all([backend.close(how), beside.close(how)]);
        });
      const whole: Backend = {
        name: "memory",
        kv,
        bus,
        leases,
        runtime: own,
        capabilities: { ...capabilities, expiry: "observer", expiryLagMs: SKEW_ALLOWANCE_MS },
        ready: (how) => backend.ready(how),
        health: (how) => backend.health(how),
        close,
        [Symbol.asyncDispose]: () => close(),
      };
      inner.set(whole, [backend, beside]);
      return whole;
    },
    pass: (ms) => runtime.advance(ms),
    faults: {
      loseNextReply: each(({ faults }) => faults.dropNextReply()),
      holdNextRequest: (backend) => {
        const held = inner.get(backend)?.map(({ faults }) => faults.holdNextRequest()) ?? [];
        return () => held.forEach((deliver) => deliver());
      },
      cutLink: each(({ faults }) => faults.cut()),
      restoreLink: each(({ faults }) => faults.restore()),
      resetLink: each(({ faults }) => faults.reset()),
      cutSubscriptions: each(({ faults }) => faults.reset()),
      pauseProcess: each(({ faults }) => faults.pauseReplies()),
      resumeProcess: each(({ faults }) => faults.resumeReplies()),
      freeze: () => store.freeze(),
      thaw: () => store.thaw(),
      killServer: () => store.stop(),
      restartServer: () => store.start(),
      flush: () => store.flush(),
    },
    serverResources: async () => store.stats.subscriptions,
    close: async () => {},
  };
}

describe("leases over a kv conform to the waist", () => {
  runConformance(test, async () => overKv(new ScriptedRuntime()), { without: ["failover"] });
});
