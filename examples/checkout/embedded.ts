/**
 * The shop in one process: every node has a handle of its own on one embedded store, and a runtime
 * of its own, so that one of them can be paused, and another die, as processes do.
 */
import { type Backend, deferred } from "@quorate/core";
import { createMemoryStore, memoryBackend, type MemoryBackend } from "@quorate/memory";
import { cutOff } from "../shared/cut-off.ts";
import { pausableRuntime } from "../shared/pausable-runtime.ts";
import { type ClerkEvent, openNightShift } from "./clerk.ts";
import { openDoor } from "./door.ts";
import { type NodeEvent, runNode } from "./node.ts";
import { type Asleep, untilOvertaken } from "./overtaken.ts";
import type { Order } from "./shop.ts";
import { openTill, type TillEvent, type TillOptions } from "./till.ts";

/** A door that can be lost. */
export interface HiredDoor {
  readonly url: string;
  /** Ends it as a crash does: nothing that it had begun is finished. */
  crash(): Promise<void>;
  close(): Promise<void>;
}

/** A till that can be lost. */
export interface HiredTill {
  crash(): Promise<void>;
  close(): Promise<void>;
}

/** A clerk that can be lost. */
export interface HiredClerk {
  crash(): Promise<void>;
  close(): Promise<void>;
}

/** Who is hired for the night. */
export interface ClerkContract {
  readonly name: string;
  readonly items: readonly string[];
  /** Holds the clerk up until it resolves. */
  readonly report: (event: ClerkEvent) => Promise<void>;
}

/** How nodes are run, whatever the engine. */
export interface Shop {
  readonly backend: Backend;
  /** Runs all nodes to the end of the orders. */
  run(nodes: readonly string[], report: (node: string, event: NodeEvent) => void): Promise<void>;
  /** Opens a till; resolves when callers can find it. */
  hireTill(name: string, report: (event: TillEvent) => void): Promise<HiredTill>;
  /** Opens a front door; `onOrder` hears of each order that its handler begins. */
  hireDoor(onOrder: () => void): Promise<HiredDoor>;
  /** Opens a night shift. */
  hireClerk(contract: ClerkContract): Promise<HiredClerk>;
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
          const own = memoryBackend({ store, runtime });
          const pause = async (asleep: Asleep): Promise<void> => {
            const end = runtime.freeze();
            await untilOvertaken(backend, asleep);
            runtime.thaw();
            await end;
          };
          const unlucky = index === 1 ? { pause } : {};
          const death = deferred<never>();
          const doomed = index === 2 ? { doom: death.promise } : {};
          let isDead = false;
          const tell = (event: NodeEvent): void => {
            if (isDead) return;
            report(name, event);
            if (event.kind !== "dying") return;
            isDead = true;
            void cutOff(own).then(() => death.reject(new Error("killed")));
          };
          const options = { name, backend: own, orders, report: tell };
          await runNode({ ...options, ...unlucky, ...doomed }).catch((error: unknown) => {
            if (!isDead) throw error; // What the dead still say does not matter.
          });
          await own.close({ graceMs: 0 });
        }),
      );
    },
    hireTill: (name, report) => hireTill(memoryBackend({ store }), { name, providerUrl, report }),
    async hireDoor(onOrder) {
      const own = memoryBackend({ store });
      const door = await openDoor({ backend: own, onOrder });
      return {
        url: `http://127.0.0.1:${door.port}`,
        async crash() {
          door.slam();
          await cutOff(own);
          // A process would be gone; this one has to put its things away.
          door.close().catch(() => {});
        },
        async close() {
          await door.close();
          await own.close();
        },
      };
    },
    async hireClerk(contract) {
      const own = memoryBackend({ store });
      const clerk = openNightShift({ ...contract, backend: own });
      return {
        async crash() {
          await cutOff(own);
          clerk.close().catch(() => {});
        },
        async close() {
          await clerk.close();
          await own.close();
        },
      };
    },
  };
}

async function hireTill(
  backend: MemoryBackend,
  options: Omit<TillOptions, "backend">,
): Promise<HiredTill> {
  let isDead = false;
  const report = (event: TillEvent): void => {
    if (!isDead) options.report(event);
  };
  const till = await openTill({ ...options, backend, report });
  return {
    async crash() {
      isDead = true;
      await cutOff(backend);
      till.close().catch(() => {});
    },
    async close() {
      await till.close();
      await backend.close();
    },
  };
}
