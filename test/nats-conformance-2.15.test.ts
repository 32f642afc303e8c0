/**
 * The contract of an engine, on nats-server 2.15 and with the newer client.
 */
import { describe } from "vitest";
import { natsConformance } from "./support/nats-conformance.ts";

describe("nats-server 2.15 with @nats-io/transport-node conforms to the waist", () => {
  natsConformance({ version: "2.15", client: "@nats-io/transport-node" });
});
