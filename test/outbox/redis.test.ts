import { startRedis } from "../../scripts/servers/index.mjs";
import { outboxOn } from "./suite.ts";

outboxOn("redis", () => startRedis());
