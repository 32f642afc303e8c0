import { describe } from "vitest";

import { startNats, startRedis } from "../../scripts/servers/index.mjs";
import { outboxOn } from "./suite.ts";

// Side by side: most of it is waiting for leases.
describe.concurrent("over processes", () => {
  outboxOn("redis", () => startRedis());
  outboxOn("nats", () => startNats());
});
