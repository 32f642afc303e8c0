/**
 * The help: one line a command, or all about one.
 */
import type { Command } from "./command.ts";

const COMMON = [
  "  --url URL          redis://host:6379, nats://host:4222; or --redis HOST, --nats HOST",
  "                     @default QUORATE_URL, REDIS_URL or NATS_URL of the environment",
  "  --namespace NAME   of the service that is looked at  @default QUORATE_NAMESPACE, or quorate",
  "  --json             one JSON value instead of a table",
  "  --yes              do not ask before what cannot be taken back",
] as const;

/** The help about the commands that begin with `about`; of all if there are none. */
export function helpOf(commands: readonly Command[], about: readonly string[]): string {
  const found = commands.filter(({ path }) => about.every((part, index) => path[index] === part));
  const shown = found.length > 0 ? found : commands;
  const calls = shown.map((command) => callOf(command));
  const width = Math.max(...calls.map(({ length }) => length));
  const lines = shown.flatMap((command, index) => [
    `  ${(calls[index] ?? "").padEnd(width)}  ${command.summary}`,
    ...(shown.length > 8 ? [] : (command.options ?? []).map(optionLine)),
  ]);
  return [
    "quorate: look at locks, leaders, jobs, sagas and keys, and act on them",
    "",
    ...lines,
    "",
    ...COMMON,
    "",
  ].join("\n");
}

/** As it is typed. */
export function callOf({ path, args }: Command): string {
  return ["quorate", ...path, ...args.map((name) => `<${name}>`)].join(" ");
}

function optionLine(option: {
  readonly name: string;
  readonly value?: string;
  readonly summary: string;
}): string {
  const { name, value, summary } = option;
  return `      --${name}${value === undefined ? "" : ` ${value}`}: ${summary}`;
}
