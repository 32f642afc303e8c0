/**
 * The help: one line a command, or all about one.
 */
import type { Command, CommandOption } from "./command.ts";

const WIDTH = 96;
const INDENT = 21;

/** The options of every command, as the help and the reference tell them. */
export const COMMON: readonly string[] = [
  "  --url URL          redis://host:6379, nats://host:4222; or --redis HOST, --nats HOST",
  "                     @default QUORATE_URL, REDIS_URL or NATS_URL of the environment",
  "  --namespace NAME   of the service that is looked at  @default QUORATE_NAMESPACE, or quorate",
  "  --json             one JSON value instead of a table",
  "  --yes              do not ask before what cannot be taken back",
];

/** The help about the commands that begin with `about`; of all if there are none. */
export function helpOf(commands: readonly Command[], about: readonly string[]): string {
  const found = commands.filter(({ path }) => about.every((part, index) => path[index] === part));
  const [only] = found;
  if (only !== undefined && found.length === 1 && about.length > 0) return helpAbout(only);
  const shown = found.length > 0 ? found : commands;
  const unknown = found.length === 0 ? [`There is no command ${about.join(" ")}.`, ""] : [];
  const calls = shown.map((command) => callOf(command));
  const width = Math.max(...calls.map(({ length }) => length));
  const lines = shown.map(
    ({ summary }, index) => `  ${(calls[index] ?? "").padEnd(width)}  ${summary}`,
  );
  return [
    ...unknown,
    "quorate: look at locks, leaders, jobs, sagas and keys, and act on them",
    "",
    ...lines,
    "",
    "quorate help COMMAND tells all about one.",
    "",
    ...COMMON,
    "",
    "It ends with 0: all is well; 1: something is wrong, or was refused; 2: it was not understood,",
    "or nobody could be reached.",
    "",
  ].join("\n");
}

function helpAbout(command: Command): string {
  const { summary, details, options = [], warning, args, examples = [] } = command;
  return [
    wrapped(`${callOf(command)}: ${summary}`),
    ...(details === undefined ? [] : ["", wrapped(details)]),
    ...(warning === undefined
      ? []
      : [
          "",
          "Asks first, unless --yes is given:",
          wrapped(warning(args.map((arg) => `<${arg}>`))),
        ]),
    "",
    ...options.map(optionLine),
    ...COMMON,
    ...(examples.length === 0 ? [] : ["", ...examples.map((example) => `  $ ${example}`)]),
    "",
  ].join("\n");
}

/** Lines that are too long for `width`, broken between words. */
function wrapped(text: string, width = WIDTH): string {
  return text
    .split("\n")
    .map((line) => (line.length <= width ? line : broken(line, width)))
    .join("\n");
}

function broken(line: string, width: number): string {
  const parts = [""];
  for (const word of line.split(" ")) {
    const last = parts.at(-1) ?? "";
    const longer = last === "" ? word : `${last} ${word}`;
    if (longer.length <= width || last === "") parts[parts.length - 1] = longer;
    else parts.push(word);
  }
  return parts.join("\n");
}

/** As it is typed. */
export function callOf({ path, args }: Command): string {
  return ["quorate", ...path, ...args.map((name) => `<${name}>`)].join(" ");
}

function optionLine(option: CommandOption): string {
  const summary = wrapped(option.summary, WIDTH - INDENT).replaceAll(
    "\n",
    `\n${" ".repeat(INDENT)}`,
  );
  return `  ${`--${nameOf(option)}`.padEnd(INDENT - 4)}  ${summary}`;
}

function nameOf({ name, value }: CommandOption): string {
  return value === undefined ? name : `${name} ${value}`;
}
