/**
 * The contract of an engine, on nats-server 2.9 and with the newer client.
 */
import { describe } from "vitest";
import { natsConformance } from "./support/nats-conformance.ts";

describe("nats-server 2.9 with @nats-io/transport-node conforms to the waist", () => {
  natsConformance({ version: "2.9", client: "@nats-io/transport-node" });
});
