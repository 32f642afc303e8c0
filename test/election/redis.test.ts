import { startRedis } from "../../scripts/servers/index.mjs";
import { candidatesOn } from "./suite.ts";

candidatesOn("redis", () => startRedis());
