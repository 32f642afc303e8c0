/**
 * The outbox over processes on a real server: a relay is killed where it hurts, and the inbox makes
 * effects once all the same.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { createIdempotency, inbox } from "@quorate/idempotency";
import {
  busTarget,
  createRelay,
  outboxCollection,
  receive,
  type ReceivedMessage,
} from "@quorate/transaction";
import { afterAll, beforeAll, describe, it } from "vitest";

import { needs } from "../../scripts/servers/index.mjs";
import type { ServerName, ServerProcess } from "../../scripts/servers/types.ts";
import { until } from "../../scripts/servers/wire.mjs";
import { type Connected, connect } from "../idempotency/connect.ts";

const CHILD = fileURLToPath(new URL("relay.child.ts", import.meta.url));

/** What these tests claim of `engine`. */
export function outboxOn(engine: ServerName, start: () => Promise<ServerProcess>): void {
  describe.skipIf(needs(engine).skip)(`an outbox on ${engine}`, () => {
    let server: ServerProcess;
    let connected: Connected;
    const children: ChildProcess[] = [];
    beforeAll(async () => {
      server = await start();
    });
    afterAll(async () => {
      for (const child of children) child.kill("SIGKILL");
      await connected?.close();
      await server?.stop();
    });

    it("delivers again what a killed relay had not settled, once through the inbox", async ({
      expect,
    }) => {
      const namespace = "outbox";
      connected = await connect(engine, server.url, namespace);
      const { backend } = connected;
      const orders = outboxCollection<{ n: number }>(backend, "orders", { partitions: 2 });
      for (let n = 1; n <= 5; n++) {
        await orders.update("o-1", (_, emit) => {
          emit("counted", n);
          return { n };
        });
      }
      const arrived: unknown[] = [];
      const effects: unknown[] = [];
      const handle = inbox<ReceivedMessage>(
        createIdempotency(backend, { name: "inbox" }),
        ({ payload }) => void effects.push(payload),
        { id: ({ id }) => id, redeliveryHorizonMs: 3_600_000 },
      );
      await receive(backend.bus, "counted", (message) => {
        arrived.push(message.payload);
        return handle(message);
      });

      const child = spawn(process.execPath, ["-C", "@quorate/source", "--import", "tsx", CHILD], {
        env: {
          ...process.env,
          ENGINE: engine,
          URL: server.url,
          NAMESPACE: namespace,
          HANGS_AT: "3",
        },
        stdio: ["ignore", "inherit", "inherit", "ipc"],
      });
      children.push(child);
      await once(child, "message");
      child.kill("SIGKILL");
      expect(effects).toEqual([1, 2, 3]);

      // Two more, at once: each partition goes to one of them when its lease has ended.
      const to = busTarget(backend.bus);
      const relays = [1, 2].map(() => createRelay(backend, { from: orders, to, ttlMs: 1_000 }));
      for (const relay of relays) await relay.start();
      await until("all effects", async () => effects.length === 5, { timeoutMs: 10_000 });
      await until("an empty outbox", async () => {
        for await (const _ of orders.pending()) return false;
        return true;
      });
      for (const relay of relays) await relay.close();
      expect(effects).toEqual([1, 2, 3, 4, 5]);
      // What had been delivered and not settled came again, in order.
      expect(arrived).toEqual([1, 2, 3, 1, 2, 3, 4, 5]);
    });
  });
}
