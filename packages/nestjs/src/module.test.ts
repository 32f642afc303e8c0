/**
 * The module in real applications of Nest: how it opens, what it injects, how it closes.
 */
import { setTimeout as pause } from "node:timers/promises";

import { Controller, Get } from "@nestjs/common";
import { deferred, isQuorateError } from "@quorate/core";
import { memoryBackend } from "@quorate/memory";
import { connect, type Quorate } from "quorate";
import { afterEach, describe, expect, it } from "vitest";

import { decorate, injects, Pods, startPod } from "./app.fixture.ts";
import { currentLock, Locked, QUORATE, QuorateHealth, QuorateModule } from "./index.ts";

const pods = new Pods();

afterEach(() => pods.closeAll());

describe("the module", () => {
  class Settings {
    readonly name = "pod-7";
  }
  class Reader {
    readonly q: Quorate;
    constructor(q: Quorate) {
      this.q = q;
    }
  }
  injects(Reader, QUORATE);

  it("is made of what is injected, and closes with the application", async () => {
    class SettingsModule {}
    const imported = { module: SettingsModule, providers: [Settings], exports: [Settings] };
    const root = QuorateModule.forRootAsync({
      imports: [imported],
      inject: [Settings],
      useFactory: async (settings: Settings) => ({ name: settings.name, graceMs: 100 }),
    });
    const pod = await startPod(root, { providers: [Reader] });
    const { q } = pod.get(Reader);
    expect(q.elect("any").candidate).toBe("pod-7");
    await pod.app.close();
    expect(() => q.lock).toThrow(expect.objectContaining({ code: "CLOSED" }));
  });

  it("leaves an engine of yours open, and closes after the last request", async () => {
    const backend = memoryBackend();
    pods.keep(backend);
    const entered = deferred<void>();
    class Slow {
      async work(): Promise<string> {
        entered.resolve();
        await pause(50);
        currentLock().check(); // Still ours: the lock is given back after the last request.
        return "done";
      }
    }
    Controller()(Slow);
    decorate(Slow, "work", Get("slow"), Locked("slow"));
    const pod = await startPod(backend, { controllers: [Slow] });
    const asked = fetch(`${pod.url}/slow`, { headers: { connection: "close" } });
    await entered.promise;
    await pod.app.close();
    expect(await (await asked).text()).toBe("done");
    await using q = await connect(backend);
    expect((await q.health()).ok).toBe(true);
  });

  it("says how the engine is", async () => {
    const backend = memoryBackend({ requestTimeoutMs: 200 });
    pods.keep(backend);
    const pod = await pods.open(backend, {});
    const health = pod.app.get(QuorateHealth);
    expect((await health.isHealthy()).quorate.status).toBe("up");
    backend.faults.cut();
    expect((await health.isHealthy("store")).store.status).toBe("down");
    backend.faults.restore();
  });

  it("refuses a URL beside an engine, and does not show it", () => {
    const make = () =>
      QuorateModule.forRoot({ url: "redis://:secret@x", backend: memoryBackend() });
    expect(make).toThrow(/url must be left out/);
    try {
      make();
    } catch (error) {
      expect(isQuorateError(error, "INVALID_ARGUMENT")).toBe(true);
      expect(String(error)).not.toContain("secret");
    }
  });
});
