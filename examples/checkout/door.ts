/**
 * The front door: orders over HTTP, each with an idempotency key.
 *
 * Customers double-click, phones send twice, proxies try again. The middleware runs the handler
 * once per key and answers every repeat as it answered the first, also when the door that took the
 * order is gone and another one answers.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type Backend, type Json, parseJson } from "@quorate/core";
import { expressIdempotency, type ExpressRequest } from "@quorate/http";
import { createIdempotency } from "@quorate/idempotency";
import { createSeller } from "./seller.ts";
import { DOOR_LEASE_MS, type Order } from "./shop.ts";

const MOST_BODY_BYTES = 4_096;
const STATUS = { sold: 201, "sold out": 410, declined: 402 } as const;

/** An open door. */
export interface Door {
  readonly port: number;
  /** Cuts every connection, as the end of a process does. */
  slam(): void;
  close(): Promise<void>;
}

/** What a door needs. */
export interface DoorOptions {
  readonly backend: Backend;
  /** Called when the handler runs: once an order, if all is well. */
  readonly onOrder?: (order: Order) => void;
}

/** Opens the door on a loopback port. */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const { backend } = options;
  const seller = createSeller({ backend, report: () => {} });
  const idempotent = expressIdempotency<ExpressRequest & { body?: Json }>({
    idempotency: createIdempotency(backend, { leaseMs: DOOR_LEASE_MS }),
    // In a real shop: what authentication found out.
    scope: (request) => String(request.headers["x-customer"]),
    runtime: backend.runtime,
  });

  const handle = async (request: { body?: Json }, response: ServerResponse): Promise<void> => {
    const order = readOrder(request.body);
    options.onOrder?.(order);
    const outcome = await seller.serve(order);
    reply(response, STATUS[outcome], { order: order.id, outcome });
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parsed = Object.assign(request, { body: await readBody(request) });
    idempotent(parsed, response, () => {
      handle(parsed, response).catch(() => reply(response, 500, { outcome: "unknown" }));
    });
  };

  const server = createServer((request, response) => {
    serve(request, response).catch(() => reply(response, 400, { outcome: "not an order" }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    slam: () => {
      server.closeAllConnections();
      server.close();
    },
    async close() {
      server.close();
      server.closeIdleConnections();
      if (server.listening) await once(server, "close");
      await seller[Symbol.asyncDispose]();
    },
  };
}

function reply(response: ServerResponse, status: number, body: Json): void {
  if (response.headersSent) return;
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BODY_BYTES) throw new Error("body too long");
    chunks.push(chunk);
  }
  const parsed = parseJson(Buffer.concat(chunks));
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

function readOrder(body: Json | undefined): Order {
  const { id, item, quantity } = (body ?? {}) as Partial<Record<keyof Order, Json>>;
  if (typeof id === "string" && typeof item === "string" && typeof quantity === "number") {
    return { id, item, quantity };
  }
  throw new Error("not an order");
}
