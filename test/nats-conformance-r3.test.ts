/**
 * The contract of an engine, on three nodes with three copies, by both clients: one line of the
 * server a day, both with `QUORATE_SLICE=all`.
 */
import { describe } from "vitest";
import { ofToday } from "./support/by-day.ts";
import { natsClusterConformance } from "./support/nats-conformance.ts";

const VERSIONS = ["2.10", "2.15"] as const;

describe.each(ofToday(VERSIONS, 2))("three copies on nats-server %s conform", (version) => {
  natsClusterConformance(version);
});
