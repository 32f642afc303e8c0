import { startRedis } from "../../scripts/servers/index.mjs";
import { processesOn } from "./suite.ts";

processesOn("redis", () => startRedis({ appendonly: true }));
