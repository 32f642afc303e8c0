/**
 * The payment provider: somebody else's HTTP service, and a bad day of it.
 *
 * Some requests it refuses, some it charges and then loses the answer, some it forgets about until
 * the caller has hung up, and for a second it is down; and some cards it declines. Like real
 * providers it knows an order again by its `Idempotency-Key`, so that asking twice charges once; a
 * refund (DELETE) of a key is final, so that a late copy of its charge does nothing.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type Runtime, sleep } from "@quorate/core";

const REFUSED_SHARE = 0.08;
const REPLY_LOST_SHARE = 0.05;
const FORGOTTEN_SHARE = 0.02;
const FORGOTTEN_MS = 1_000;
const MOST_BODY_BYTES = 4_096;
/** One card in so many is declined. */
const DECLINED_EVERY = 12;
/** How long it is down, once, after the first so many charges. */
const OUTAGE_AFTER = 60;
const OUTAGE_MS = 600;

/** What the provider's books say at the end of the day. */
export interface Ledger {
  /** Requests that arrived. */
  readonly requests: number;
  /** Charges by order: more than one is a customer who paid twice. */
  readonly charges: ReadonlyMap<string, number>;
  /** Orders whose money was given back, or whose charge was forbidden before it came. */
  readonly refunds: ReadonlySet<string>;
}

/** A provider that runs. */
export interface Provider {
  readonly url: string;
  readonly ledger: Ledger;
  close(): Promise<void>;
}

/** Opens the provider on a loopback port. */
export async function openProvider(runtime: Runtime): Promise<Provider> {
  const day = new BadDay(runtime);
  const server: Server = createServer((request, response) => {
    day.serve(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    ledger: day,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

class BadDay implements Ledger {
  readonly charges: Map<string, number> = new Map<string, number>();
  readonly refunds: Set<string> = new Set<string>();
  requests = 0;
  readonly #runtime: Runtime;
  readonly #knownKeys = new Set<string>();
  #downUntilMs: number | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    const order = await readBody(request);
    const luck = this.#runtime.random.next();
    if (this.#isDown() || luck < REFUSED_SHARE) return answer(response, 503, "try later");
    const outcome = this.#book(request, order);
    if (outcome === "declined") return answer(response, 402, outcome);
    if (luck < REFUSED_SHARE + REPLY_LOST_SHARE) return void response.destroy();
    if (luck < REFUSED_SHARE + REPLY_LOST_SHARE + FORGOTTEN_SHARE) {
      await sleep(this.#runtime, FORGOTTEN_MS);
    }
    answer(response, 200, outcome);
  }

  #book(request: IncomingMessage, order: string): "charged" | "declined" | "refunded" {
    if (request.method === "DELETE") {
      this.refunds.add(order);
      return "refunded";
    }
    if (this.refunds.has(order) || isDeclined(order)) return "declined";
    this.#charge(order, String(request.headers["idempotency-key"]));
    return "charged";
  }

  /** Once a key. */
  #charge(order: string, key: string): void {
    if (this.#knownKeys.has(key)) return;
    this.#knownKeys.add(key);
    this.charges.set(order, (this.charges.get(order) ?? 0) + 1);
    if (this.charges.size === OUTAGE_AFTER) {
      this.#downUntilMs = this.#runtime.time.monotonicMs() + OUTAGE_MS;
    }
  }

  #isDown(): boolean {
    return this.#runtime.time.monotonicMs() < (this.#downUntilMs ?? -Infinity);
  }
}

/** The same card is declined each time. */
function isDeclined(order: string): boolean {
  return Number(/\d+$/.exec(order)?.[0] ?? 1) % DECLINED_EVERY === 0;
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain" }).end(text);
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > MOST_BODY_BYTES) throw new Error("body too long");
  }
  return body;
}
