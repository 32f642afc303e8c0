/**
 * The shop in one process: every node has a handle of its own on one embedded store, and a runtime
 * of its own, so that one of them can be paused as a process would be.
 */
import { type Backend } from "@quorate/core";
import { createMemoryStore, memoryBackend } from "@quorate/memory";
import { type NodeEvent, runNode } from "./node.ts";
import { pausableRuntime } from "./pausable-runtime.ts";
import { type Order, PAUSE_MS } from "./shop.ts";

/** How nodes are run, whatever the engine. */
export interface Shop {
  readonly backend: Backend;
  /** Runs all nodes to the end of the orders. */
  run(nodes: readonly string[], report: (node: string, event: NodeEvent) => void): Promise<void>;
  close(): Promise<void>;
}

/** Opens the shop on the embedded engine. */
export function openEmbedded(orders: readonly Order[]): Shop {
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
          await runNode({ name, backend: own, orders, report: tell, ...unlucky });
        }),
      );
    },
  };
}
