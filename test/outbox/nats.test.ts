import { startNats } from "../../scripts/servers/index.mjs";
import { outboxOn } from "./suite.ts";

outboxOn("nats", () => startNats());
