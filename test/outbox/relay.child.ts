/**
 * A relay process on a real server. Once a message has been delivered whose payload its parent has
 * named, it tells so and stands still before anything is settled: there it is killed.
 */
import "../support/with-parent.ts";
import { busTarget, createRelay, outboxCollection, type Publish } from "@quorate/transaction";

import { connect } from "../idempotency/connect.ts";

const { ENGINE = "", URL: url = "", NAMESPACE = "", HANGS_AT = "" } = process.env;
const { backend } = await connect(ENGINE, url, NAMESPACE);
const { publish } = busTarget(backend.bus);

const to: Publish = async (message, context) => {
  await publish(message, context);
  if (message.payload !== Number(HANGS_AT)) return;
  process.send?.("delivered");
  await new Promise(() => {});
};

const from = outboxCollection(backend, "orders", { partitions: 2 });
await createRelay(backend, { from, to, ttlMs: 1_000, timeoutMs: 60_000 }).start();
