/**
 * The contract of an engine, with the newer client: on the oldest or the newest server by the day,
 * on both with `QUORATE_SLICE=all`.
 */
import { describe } from "vitest";
import { ofToday } from "./support/by-day.ts";
import { natsConformance } from "./support/nats-conformance.ts";

const client = "@nats-io/transport-node";

describe.each(ofToday(["2.9", "2.15"] as const, 2))(
  `nats-server %s with ${client} conforms to the waist`,
  (version) => {
    natsConformance({ version, client });
  },
);
