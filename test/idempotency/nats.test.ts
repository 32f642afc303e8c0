import { startNats } from "../../scripts/servers/index.mjs";
import { processesOn } from "./suite.ts";

processesOn("nats", () => startNats());
