/**
 * One node as a process of its own. Reports to its parent; ends when the orders have ended.
 */
import { connect, type ServerEngine } from "./engines.ts";
import { type NodeEvent, runNode } from "./node.ts";
import { readOrders } from "./shop.ts";

const { engine, namespace, name, unlucky } = JSON.parse(process.argv[2] ?? "{}") as {
  engine: ServerEngine;
  namespace: string;
  name: string;
  unlucky: boolean;
};

// A node whose parent is gone has nobody to report to.
process.on("disconnect", () => process.exit(1));

const report = (event: NodeEvent): Promise<void> =>
  new Promise((resolve) => process.send?.(event, undefined, undefined, () => resolve()));

const { backend, close } = await connect(engine, namespace);
let told: Promise<void> = Promise.resolve();
await runNode({
  name,
  backend,
  orders: readOrders(),
  report: (event) => {
    told = report(event);
  },
  ...(unlucky && {
    pause: async () => {
      await told; // The parent must know before nobody here can speak any more.
      process.kill(process.pid, "SIGSTOP");
    },
  }),
});
await told;
await close();
process.disconnect();
