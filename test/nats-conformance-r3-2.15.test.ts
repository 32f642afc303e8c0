/**
 * The contract of an engine, on three nodes of nats-server 2.15 with three copies, by both clients.
 */
import { describe } from "vitest";
import { natsClusterConformance } from "./support/nats-conformance.ts";

describe("three copies on nats-server 2.15 conform to the waist", () => {
  natsClusterConformance("2.15");
});
