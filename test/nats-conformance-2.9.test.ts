/**
 * The contract of an engine, on the oldest server and with the older client.
 */
import { describe } from "vitest";
import { natsConformance } from "./support/nats-conformance.ts";

describe("nats-server 2.9 with nats 2.x conforms to the waist", () => {
  natsConformance({ version: "2.9", client: "nats" });
});
