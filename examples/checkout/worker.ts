/**
 * One node as a process of its own. Says when it is connected, begins when all are, reports to its
 * parent, and ends when the orders have ended.
 */
import { once } from "node:events";
import { connect } from "./engines.ts";
import { type NodeEvent, runNode } from "./node.ts";
import type { NodeArguments } from "./processes.ts";
import { readOrders } from "./shop.ts";

const { engine, namespace, name, unlucky, isDoomed } = JSON.parse(
  process.argv[2] ?? "{}",
) as NodeArguments;

// A node whose parent is gone has nobody to report to.
const orphaned = (): void => process.exit(1);
process.on("disconnect", orphaned);

const report = (event: NodeEvent): Promise<void> =>
  new Promise((resolve) => process.send?.(event, undefined, undefined, () => resolve()));

const { backend, close } = await connect(engine, namespace);
await backend.ready();
const begin = once(process, "message");
let told: Promise<void> = report({ kind: "ready" });
await begin;
await runNode({
  name,
  backend,
  orders: readOrders(),
  ...(isDoomed && { doom: new Promise<never>(() => {}) }),
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
process.off("disconnect", orphaned);
process.disconnect();
