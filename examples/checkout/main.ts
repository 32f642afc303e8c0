/**
 * Checkout: several nodes sell one stock under fenced locks, and one of them oversleeps its lease.
 *
 *     npm start                 embedded engine, one process
 *     npm start -- --redis      real processes on Redis
 *     npm start -- --nats       real processes on NATS JetStream
 *
 * Ends with an audit, and with exit code 1 if anything was oversold, lost or sold twice, or if the
 * late write was not refused.
 */
import { parseArgs } from "node:util";
import { systemRuntime } from "@quorate/core";
import { audit, fillShelves } from "./audit.ts";
import { openEmbedded } from "./embedded.ts";
import { Progress } from "./progress.ts";
import { itemsOf, readOrders } from "./shop.ts";

const { values } = parseArgs({
  options: {
    redis: { type: "boolean", default: false },
    nats: { type: "boolean", default: false },
    nodes: { type: "string", default: "4" },
  },
});

const nodes = readNodes(values.nodes);
const orders = readOrders();
const items = itemsOf(orders);
const shop = await open();
const progress = new Progress(orders.length, () => systemRuntime.time.monotonicMs());

progress.say(
  `${nodes.length} nodes, ${orders.length} orders, ${items.length} items, on ${engine()}`,
);
await fillShelves(shop.backend, items);
await shop.run(nodes, (node, event) => progress.report(node, event));
const findings = await audit(shop.backend, items, orders);
progress.finish(findings);
await shop.close();

const problems = [...findings.problems];
const ended = progress.sold + progress.soldOut;
if (ended !== orders.length) problems.push(`${orders.length - ended} orders have no end`);
if (findings.ordersSold !== progress.sold) problems.push("nodes and shelves count differently");
if (progress.staleRefused === 0) problems.push("the late write was not refused");
for (const problem of problems) progress.say(`  ✗ ${problem}`);
progress.say(problems.length === 0 ? "  ✓ the books balance" : "audit failed");
process.exitCode = problems.length === 0 ? 0 : 1;

function engine(): "memory" | "redis" | "nats" {
  if (values.redis) return "redis";
  return values.nats ? "nats" : "memory";
}

async function open(): Promise<ReturnType<typeof openEmbedded>> {
  const name = engine();
  if (name === "memory") return openEmbedded(orders);
  // Loaded on demand: the embedded run needs no client of any server.
  const { openOnServer } = await import("./processes.ts");
  return openOnServer(name, `checkout-${systemRuntime.ids.operation()}`);
}

function readNodes(count: string): readonly string[] {
  const number = Number(count);
  if (!Number.isInteger(number) || number < 2 || number > 16) {
    throw new Error(`--nodes must be an integer from 2 to 16, got ${count}`);
  }
  return Array.from({ length: number }, (_, index) => `node-${index + 1}`);
}
