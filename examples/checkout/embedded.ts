/**
 * The shop in one process: every node has a handle of its own on one embedded store, and a runtime
 * of its own, so that one of them can be paused as a process would be.
 */
import type { Backend } from "@quorate/core";
import { createMemoryStore, memoryBackend } from "@quorate/memory";
import { openDoor } from "./door.ts";
import { type NodeEvent, runNode } from "./node.ts";
import { pausableRuntime } from "./pausable-runtime.ts";
import { type Order, PAUSE_MS } from "./shop.ts";

/** A door that can be lost. */
export interface HiredDoor {
  readonly url: string;
  /** Ends it as a crash does: nothing that it had begun is finished. */
  crash(): Promise<void>;
  close(): Promise<void>;
}

/** How nodes are run, whatever the engine. */
export interface Shop {
  readonly backend: Backend;
  /** Runs all nodes to the end of the orders. */
  run(nodes: readonly string[], report: (node: string, event: NodeEvent) => void): Promise<void>;
  /** Opens a front door; `onOrder` hears of each order that its handler begins. */
  hireDoor(onOrder: () => void): Promise<HiredDoor>;
  close(): Promise<void>;
}

/** What a shop needs. */
export interface ShopOptions {
  readonly orders: readonly Order[];
  readonly providerUrl: string;
}

/** Opens the shop on the embedded engine. */
export function openEmbedded({ orders, providerUrl }: ShopOptions): Shop {
  const store = createMemoryStore();
  const backend = memoryBackend({ store });
  return {
    backend,
    close: () => backend.close(),
    async run(nodes, report) {
      await Promise.all(
        nodes.map(async (name, index) => {
          const runtime = pausableRuntime();
          await using own = memoryBackend({ store, runtime });
          const unlucky = index === 1 ? { pause: () => runtime.pause(PAUSE_MS) } : {};
          const tell = (event: NodeEvent): void => report(name, event);
          await runNode({ name, backend: own, orders, providerUrl, report: tell, ...unlucky });
        }),
      );
    },
    async hireDoor(onOrder) {
      const own = memoryBackend({ store });
      const door = await openDoor({ backend: own, providerUrl, onOrder });
      return {
        url: `http://127.0.0.1:${door.port}`,
        async crash() {
          // To everybody else this is what a dead process looks like: nothing more comes from it.
          own.faults.cut();
          door.slam();
          await own.close({ graceMs: 0 });
        },
        async close() {
          await door.close();
          await own.close();
        },
      };
    },
  };
}
