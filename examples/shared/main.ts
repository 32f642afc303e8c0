/**
 * `npm run example <name> [-- --redis | --nats]`: plays one example, and ends with 1 unless all was
 * as it promises.
 */
import { parseArgs } from "node:util";
import { exampleNames } from "./names.ts";
import { type EngineName, play } from "./play.ts";

const { values, positionals } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== "--"), // npm takes one away, not two.
  allowPositionals: true,
  options: {
    redis: { type: "boolean", default: false },
    nats: { type: "boolean", default: false },
  },
});
const print = (line: string): void => void process.stdout.write(`${line}\n`);

const [name = ""] = positionals;
if (exampleNames().includes(name)) {
  const engine = engineOf();
  const url = process.env[engine === "redis" ? "REDIS_URL" : "NATS_URL"];
  if (engine !== "memory" && url === undefined) throw new Error(`the URL of ${engine} is not set`);
  const { problems } = await play(name, { engine, print, ...(url !== undefined && { url }) });
  process.exitCode = problems.length === 0 ? 0 : 1;
} else {
  print(`npm run example <name> [-- --redis | --nats], one of: ${exampleNames().join(", ")}`);
  process.exitCode = name === "" ? 0 : 2;
}

function engineOf(): EngineName {
  if (values.redis) return "redis";
  return values.nats ? "nats" : "memory";
}
