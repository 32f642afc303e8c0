import { startNats } from "../../scripts/servers/index.mjs";
import { candidatesOn } from "./suite.ts";

candidatesOn("nats", () => startNats());
