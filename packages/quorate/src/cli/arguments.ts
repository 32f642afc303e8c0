/**
 * The words after `quorate`: which command, on which store, with what.
 */
import { parseArgs } from "node:util";
import type { Command } from "./command.ts";

/** Options of every command. */
const GLOBAL = {
  url: { type: "string" },
  redis: { type: "string" },
  nats: { type: "string" },
  namespace: { type: "string" },
  json: { type: "boolean" },
  yes: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** What was asked. */
export type Asked =
  | { readonly kind: "help"; readonly about: readonly string[] }
  | { readonly kind: "misused"; readonly problem: string }
  | {
      readonly kind: "run";
      readonly command: Command;
      readonly args: readonly string[];
      readonly url: string;
      readonly namespace: string | undefined;
      readonly isJson: boolean;
      readonly isYes: boolean;
      readonly options: ReadonlyMap<string, string>;
    };

/** Reads the words. Never throws. */
export function readArguments(
  words: readonly string[],
  commands: readonly Command[],
  env: Readonly<Record<string, string | undefined>>,
): Asked {
  // Loosely at first: which options there are depends on the command.
  const loose = { args: [...words], options: GLOBAL, strict: false, allowPositionals: true };
  const path = parseArgs(loose).positionals;
  const command = commands
    .filter((one) => one.path.every((part, index) => path[index] === part))
    .toSorted((left, right) => right.path.length - left.path.length)[0];
  const wantsHelp = words.includes("--help") || words.includes("-h");
  if (words.length === 0 || path[0] === "help") return { kind: "help", about: path.slice(1) };
  if (command === undefined) {
    if (wantsHelp) return { kind: "help", about: path };
    return { kind: "misused", problem: `there is no command ${JSON.stringify(path.join(" "))}` };
  }
  if (wantsHelp) return { kind: "help", about: command.path };
  const own = (command.options ?? []).map(
    ({ name, value }) =>
      [name, { type: value === undefined ? ("boolean" as const) : ("string" as const) }] as const,
  );
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      options: { ...Object.fromEntries(own), ...GLOBAL },
      allowPositionals: true,
    });
    const args = positionals.slice(command.path.length);
    const problem = miscounted(command, args);
    if (problem !== undefined) return { kind: "misused", problem };
    const given = Object.entries(values).map(
      ([name, value]) => [name, typeof value === "string" ? value : ""] as const,
    );
    const options = new Map(given);
    return {
      kind: "run",
      command,
      args,
      url: urlOf(options, env),
      namespace: options.get("namespace") ?? env["QUORATE_NAMESPACE"],
      isJson: options.has("json"),
      isYes: options.has("yes"),
      options,
    };
  } catch (error) {
    return { kind: "misused", problem: (error as Error).message.split(". ")[0] ?? "bad option" };
  }
}

function miscounted({ args: names }: Command, args: readonly string[]): string | undefined {
  const missing = names[args.length];
  if (missing !== undefined) return `<${missing}> is missing`;
  const spare = args[names.length];
  return spare === undefined ? undefined : `${JSON.stringify(spare)} is one argument too many`;
}

/** What was said, else what the environment says. */
function urlOf(
  options: ReadonlyMap<string, string>,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const host = (scheme: string, value: string | undefined): string | undefined =>
    value === undefined || value.includes("://") ? value : `${scheme}://${value}`;
  return (
    options.get("url") ??
    host("redis", options.get("redis")) ??
    host("nats", options.get("nats")) ??
    env["QUORATE_URL"] ??
    env["REDIS_URL"] ??
    env["NATS_URL"] ??
    "memory:"
  );
}
