/** Where the figures come from: without this line they mean nothing. */
import { cpus, loadavg, totalmem } from "node:os";

import type { Redis } from "ioredis";

/** One line: processor, cores, memory, load, Node, Redis. */
export async function machineLine(redis: Redis): Promise<string> {
  const info = await redis.info("server");
  const version = /redis_version:(\S+)/.exec(info)?.[1] ?? "of unknown version";
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? "unknown processor";
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const load = `load ${loadavg()[0]?.toFixed(1) ?? "?"} at the start`;
  const software = `Node ${process.versions.node}, Redis ${version} on loopback`;
  return `${model}, ${processors.length} cores, ${memory}, ${load}; ${software}`;
}
