/**
 * A process that stands in line for leases, told what to do by its parent.
 *
 * Each grant is reported with its token and with what the process's own clocks say of it; then it
 * is held for `holdMs` and given back.
 */
import "../support/with-parent.ts";
import { systemRuntime } from "@quorate/core";
import { redisBackend } from "@quorate/redis";
import { Redis } from "ioredis";

/** What the parent says. */
export type Order =
  | {
      readonly kind: "wait";
      readonly name: string;
      readonly owners: readonly string[];
      readonly ttlMs: number;
      readonly holdMs: number;
    }
  | { readonly kind: "look"; readonly owner: string };

/** What this process says. */
export type Report =
  | { readonly kind: "up" }
  | { readonly kind: "granted"; readonly owner: string; readonly fencingToken: number }
  | { readonly kind: "looked"; readonly owner: string; readonly leftMs: number };

const say = (report: Report): void => void process.send?.(report);
const [port = "", namespace = ""] = process.argv.slice(2);
const client = new Redis(Number(port), "127.0.0.1");
const backend = redisBackend(client, { namespace });
const grants = new Map<string, { readonly validUntilMs: number }>();
const { time } = systemRuntime;

async function stand(order: Extract<Order, { kind: "wait" }>, owner: string): Promise<void> {
  const request = { owner, ttlMs: order.ttlMs, waitMs: 60_000 };
  const grant = await backend.leases.acquire(order.name, request);
  if (!grant.granted) return;
  grants.set(owner, grant);
  say({ kind: "granted", owner, fencingToken: grant.fencingToken });
  await new Promise((resolve) => setTimeout(resolve, order.holdMs));
  await backend.leases.release(grant);
}

process.on("message", (order: Order) => {
  if (order.kind === "wait") {
    for (const owner of order.owners) stand(order, owner).catch(() => process.exit(2));
    return;
  }
  const grant = grants.get(order.owner);
  const leftMs = grant === undefined ? Number.NaN : grant.validUntilMs - time.monotonicMs();
  say({ kind: "looked", owner: order.owner, leftMs });
});
await backend.ready();
say({ kind: "up" });
