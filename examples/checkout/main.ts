/**
 * Checkout: several nodes sell one stock, every order a saga under fenced locks. One of them
 * oversleeps its lease, one is killed with orders at the till. Cards and parcels are services of
 * tills that come, die and leave under way; the payment provider behind them has a bad day. The
 * front door, at which every customer clicks three times, dies in the middle of an order, and
 * the clerk of the night shift in the middle of the books.
 *
 *     npm start                 embedded engine, one process
 *     npm start -- --redis      real processes on Redis
 *     npm start -- --nats       real processes on NATS JetStream
 *
 * Ends with an audit, and with exit code 1 if anything was oversold, lost, sold or charged twice,
 * if an order is neither complete nor undone, if a customer was given two answers, if a night's
 * books were closed twice or not at all, or if the late write was not refused.
 */
import { parseArgs } from "node:util";
import { systemRuntime } from "@quorate/core";
import { audit, examineLedger, examineVisit, fillShelves } from "./audit.ts";
import { CLICKS } from "./customers.ts";
import { openEmbedded, type Shop } from "./embedded.ts";
import { keepNights } from "./night.ts";
import { Progress } from "./progress.ts";
import { openProvider } from "./provider.ts";
import { itemsOf, readOrders, webOrders } from "./shop.ts";
import { openTills } from "./tills.ts";
import { receiveWebOrders } from "./web.ts";

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
const fromWeb = webOrders(items);
const provider = await openProvider(systemRuntime);
const shop = await open();
const progress = new Progress(orders.length, () => systemRuntime.time.monotonicMs());

progress.say(
  `${nodes.length} nodes, ${orders.length} orders, ${items.length} items, on ${engine()}`,
);
await fillShelves(shop.backend, items);
const say = (line: string): void => progress.say(line);
const tills = await openTills({ shop, say });
const day = Promise.all([
  shop.run(nodes, (node, event) => progress.report(node, event)),
  receiveWebOrders({ shop, orders: fromWeb, say }),
]);
const [[, visit], nights] = await Promise.all([
  day,
  keepNights({ shop, items, dayIsOver: day, say }),
]);
const paid = await tills.close();
const findings = await audit(shop.backend, items, [...orders, ...fromWeb]);
progress.finish(findings, provider.ledger, paid);
await Promise.all([shop.close(), provider.close()]);

const web = examineVisit(visit, fromWeb);
progress.say(`  web: ${fromWeb.length} orders sent ${CLICKS} times each, ${web.sold} sold`);
progress.say(`  web: handler ran ${visit.handled} times, ${visit.replayed} repeats were replayed`);
const { night = "none", terms = [] } = nights.survivedBy ?? {};
progress.say(
  `  nights: ${nights.closed} closed; night ${night} by two clerks, terms ${terms.join(", ")}`,
);
const problems = [...findings.problems, ...web.problems, ...nights.problems, ...paid.problems];
problems.push(...examineLedger(provider.ledger, findings.ordersSold));
if (progress.staleRefused === 0) problems.push("the late write was not refused");
for (const problem of problems) progress.say(`  ✗ ${problem}`);
progress.say(problems.length === 0 ? "  ✓ the books balance" : "audit failed");
process.exitCode = problems.length === 0 ? 0 : 1;

function engine(): "memory" | "redis" | "nats" {
  if (values.redis) return "redis";
  return values.nats ? "nats" : "memory";
}

async function open(): Promise<Shop> {
  const name = engine();
  const options = { orders, providerUrl: provider.url };
  if (name === "memory") return openEmbedded(options);
  // Loaded on demand: the embedded run needs no client of any server.
  const { openOnServer } = await import("./processes.ts");
  return openOnServer(name, `checkout-${systemRuntime.ids.operation()}`, options);
}

function readNodes(count: string): readonly string[] {
  const number = Number(count);
  if (!Number.isInteger(number) || number < 2 || number > 16) {
    throw new Error(`--nodes must be an integer from 2 to 16, got ${count}`);
  }
  return Array.from({ length: number }, (_, index) => `node-${index + 1}`);
}
