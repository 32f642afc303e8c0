/**
 * One instance of a service in a process of its own. SIGTERM drains it, as an orchestrator would.
 */
import "../../support/with-parent.ts";
import { createRegistry } from "@quorate/discovery";
import { serve } from "@quorate/rpc";

import { connect } from "../../idempotency/connect.ts";
import { Clock } from "./contract.ts";

const { ENGINE = "", URL: url = "", NAMESPACE = "" } = process.env;
const tell = (message: object): void => void process.send?.(message);

const { backend, close } = await connect(ENGINE, url, NAMESPACE);
const registry = createRegistry(backend, { ttlMs: 2_000, watchDelayMs: 250 });
const server = await serve(
  backend,
  Clock,
  {
    tell: async (input) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return `${input} by ${process.pid}`;
    },
  },
  { registry },
);

process.once("SIGTERM", () => {
  void (async () => {
    await server.close({ graceMs: 3_000 });
    tell({ kind: "drained", served: server.stats.served });
    await registry.close();
    await close();
    process.disconnect();
  })();
});
tell({ kind: "ready" });
