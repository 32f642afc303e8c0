/**
 * Counts what clients send, by the server's own account.
 *
 * `MONITOR` shows every command with its connection, and marks those that a script issues as
 * `lua`; these cost no round trip and are left out. Connections are told apart by their name
 * (`connectionName` of ioredis, inherited by `duplicate()`), so several libraries can run at once
 * and the counter's own connections are in nobody's account.
 *
 * MONITOR slows the server down: a run that is counted is not a run that is timed.
 */
import { Redis } from "ioredis";

import { sleep } from "./clock.ts";

/** Commands per connection name, and within it per command. */
export type Commands = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** A counter at work. */
export interface CommandCounter {
  /** Ends it and answers what named connections sent since the start. */
  stop(): Promise<Commands>;
}

/** MONITOR's lines come over a connection of their own; this long, and the last has arrived. */
const SETTLE_MS = 30;

/** Starts counting on the server at `url`. */
export async function countCommands(url: string): Promise<CommandCounter> {
  const redis = new Redis(url);
  const names = new Map<string, string>();
  const learnNames = async (): Promise<void> => {
    for (const line of String(await redis.client("LIST")).split("\n")) {
      const address = /\baddr=(\S+)/.exec(line)?.[1];
      const name = /\bname=(\S+)/.exec(line)?.[1];
      if (address !== undefined && name !== undefined) names.set(address, name);
    }
  };
  await learnNames();
  const bySource = new Map<string, Map<string, number>>();
  const monitor = await redis.monitor();
  monitor.on("monitor", (_time: string, words: string[], source: string) => {
    if (source === "lua") return;
    const commands = bySource.get(source) ?? new Map<string, number>();
    bySource.set(source, commands);
    const command = (words[0] ?? "").toLowerCase();
    commands.set(command, (commands.get(command) ?? 0) + 1);
  });
  return {
    async stop() {
      await sleep(SETTLE_MS);
      monitor.disconnect();
      await learnNames();
      redis.disconnect();
      return byName(bySource, names);
    },
  };
}

/** All commands of one connection name. */
export function total(commands: Commands, name: string): number {
  return [...(commands.get(name)?.values() ?? [])].reduce((sum, count) => sum + count, 0);
}

/** `2 000 evalsha, 3 ping`, the most frequent first. */
export function breakdown(commands: Commands, name: string): string {
  const entries = [...(commands.get(name) ?? [])].sort(([, a], [, b]) => b - a);
  return entries.map(([command, count]) => `${count} ${command}`).join(", ");
}

function byName(
  bySource: ReadonlyMap<string, ReadonlyMap<string, number>>,
  names: ReadonlyMap<string, string>,
): Commands {
  const commands = new Map<string, Map<string, number>>();
  for (const [source, counts] of bySource) {
    const name = names.get(source);
    if (name === undefined) continue;
    const sums = commands.get(name) ?? new Map<string, number>();
    commands.set(name, sums);
    for (const [command, count] of counts) sums.set(command, (sums.get(command) ?? 0) + count);
  }
  return commands;
}
