/**
 * A server in a process of its own: `servers.child.ts <engine> <url> <namespace>`.
 */
import { once } from "node:events";

import { createRegistry } from "@quorate/discovery";
import { serve, type Server } from "@quorate/rpc";

import { connect } from "../idempotency/connect.ts";
import { Probe } from "./servers.contract.ts";

const [engine = "", url = "", namespace = ""] = process.argv.slice(2);
process.on("disconnect", () => process.exit());
const { backend } = await connect(engine, url, namespace);
const registry = createRegistry(backend, { ttlMs: 1_000, watchDelayMs: 100 });
const server: Server = await serve(
  backend,
  Probe,
  {
    deadline: ({ text }, call) => ({ text, deadlineMs: call.deadlineMs }),
    hang: async (_input, call) => {
      process.send?.("began");
      await once(call.signal, "abort");
      process.send?.("stopped");
      return {};
    },
    counts: () => ({ expired: server.stats.expired, cancelled: server.stats.cancelled }),
  },
  { registry },
);
process.send?.("ready");
