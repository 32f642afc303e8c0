import { startNats } from "../../scripts/servers/index.mjs";
import { sagasOn } from "./suite.ts";

sagasOn("nats", () => startNats());
