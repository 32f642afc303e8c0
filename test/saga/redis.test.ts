import { startRedis } from "../../scripts/servers/index.mjs";
import { sagasOn } from "./suite.ts";

sagasOn("redis", () => startRedis());
