/**
 * The words after `quorate`: which command, on which store, with what.
 *
 * Guarantees: nothing is guessed. What is not understood is told with the nearest name that is,
 * and nothing was begun.
 */
import { parseArgs } from "node:util";
import type { Command, Target } from "./command.ts";
import { nearestTo } from "./nearest.ts";

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
  | { readonly kind: "misused"; readonly problem: string; readonly cure: string }
  | {
      readonly kind: "run";
      readonly command: Command;
      readonly args: readonly string[];
      readonly target: Target;
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
    return wantsHelp ? { kind: "help", about: path } : unknownCommand(path, commands);
  }
  if (wantsHelp) return { kind: "help", about: command.path };
  const problem = unknownOption(words, command);
  if (problem !== undefined) return problem;
  return understood(words, command, env);
}

function understood(
  words: readonly string[],
  command: Command,
  env: Readonly<Record<string, string | undefined>>,
): Asked {
  const cure = `see quorate help ${command.path.join(" ")}`;
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      options: { ...ownOptions(command), ...GLOBAL },
      allowPositionals: true,
    });
    const args = positionals.slice(command.path.length);
    const problem = miscounted(command, args);
    if (problem !== undefined) return { kind: "misused", problem, cure };
    const given = Object.entries(values).map(
      ([name, value]) => [name, typeof value === "string" ? value : ""] as const,
    );
    const options = new Map(given);
    return {
      kind: "run",
      command,
      args,
      target: {
        url: urlOf(options, env),
        namespace: options.get("namespace") ?? env["QUORATE_NAMESPACE"],
      },
      isJson: options.has("json"),
      isYes: options.has("yes"),
      options,
    };
  } catch (error) {
    const problem = (error as Error).message.split(". ")[0] ?? "bad option";
    return { kind: "misused", problem, cure };
  }
}

function ownOptions({ options = [] }: Command): Record<string, { type: "boolean" | "string" }> {
  const own = options.map(
    ({ name, value }) =>
      [name, { type: value === undefined ? ("boolean" as const) : ("string" as const) }] as const,
  );
  return Object.fromEntries(own);
}

function unknownCommand(path: readonly string[], commands: readonly Command[]): Asked {
  const typed = path.join(" ");
  const problem = `there is no command ${JSON.stringify(typed)}`;
  const [first = "", second] = path;
  const verbs = commands.filter((one) => one.path[0] === first).map(nameOf);
  const names = verbs.length > 0 ? verbs : commands.map(nameOf);
  const meant = nearestTo(second === undefined ? first : `${first} ${second}`, names);
  if (meant !== undefined) {
    return { kind: "misused", problem, cure: `did you mean quorate ${meant}? see quorate help` };
  }
  const group = verbs.length > 0 ? undefined : nearestTo(first, groupsOf(commands));
  if (group !== undefined) {
    return { kind: "misused", problem, cure: `did you mean quorate ${group}? see quorate help` };
  }
  const cure = verbs.length === 0 ? "see quorate help" : `there is quorate ${verbs.join(", ")}`;
  return { kind: "misused", problem, cure };
}

function nameOf({ path }: Command): string {
  return path.join(" ");
}

function groupsOf(commands: readonly Command[]): readonly string[] {
  return [...new Set(commands.map(({ path }) => path[0] ?? ""))];
}

function unknownOption(words: readonly string[], command: Command): Asked | undefined {
  const known = { ...ownOptions(command), ...GLOBAL };
  const { tokens } = parseArgs({
    args: [...words],
    options: known,
    strict: false,
    tokens: true,
    allowPositionals: true,
  });
  for (const token of tokens) {
    if (token.kind !== "option" || Object.hasOwn(known, token.name)) continue;
    const meant = nearestTo(token.name, Object.keys(known));
    const help = `see quorate help ${command.path.join(" ")}`;
    return {
      kind: "misused",
      problem: `${nameOf(command)} has no option ${token.rawName}`,
      cure: meant === undefined ? help : `did you mean --${meant}? ${help}`,
    };
  }
  return undefined;
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
