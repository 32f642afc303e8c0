/** Where the figures come from: without this line they mean nothing. */
import { cpus, loadavg, totalmem } from "node:os";

import type { Redis } from "ioredis";

/** One line: processor, cores, memory, load, Node, and Redis where one is measured. */
export async function machineLine(redis?: Redis): Promise<string> {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? "unknown processor";
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const load = `load ${loadavg()[0]?.toFixed(1) ?? "?"} at the start`;
  const software = [`Node ${process.versions.node}`, ...(await redisLine(redis))].join(", ");
  return `${model}, ${processors.length} cores, ${memory}, ${load}; ${software}`;
}

async function redisLine(redis?: Redis): Promise<string[]> {
  if (redis === undefined) return [];
  const info = await redis.info("server");
  return [`Redis ${/redis_version:(\S+)/.exec(info)?.[1] ?? "of unknown version"} on loopback`];
}
