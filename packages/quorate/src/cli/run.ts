/**
 * Runs one command line: 0 all is well, 1 something is wrong, 2 it was not understood.
 */
import { isQuorateError } from "@quorate/core";
import { connect } from "../connect.ts";
import { type Asked, readArguments } from "./arguments.ts";
import type { Context, Row } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { helpOf } from "./help.ts";
import { tableOf } from "./table.ts";
import type { Terminal } from "./terminal.ts";

const NO_ANSWER_MS = 5_000;

/** What a process ends with. */
export type ExitCode = 0 | 1 | 2;

/** Runs what `words` ask, and says how it went. Never rejects. */
export async function runCommandLine(
  words: readonly string[],
  terminal: Terminal,
): Promise<ExitCode> {
  const asked = readArguments(words, COMMANDS, terminal.env);
  if (asked.kind === "help") {
    terminal.write(helpOf(COMMANDS, asked.about));
    return 0;
  }
  if (asked.kind === "misused") {
    terminal.complain(`quorate ✗ ${asked.problem}; see quorate help\n`);
    return 2;
  }
  try {
    if (!(await mayGoOn(asked, terminal))) return 1;
    return await runOn(asked, terminal);
  } catch (error) {
    if (terminal.signal.aborted) return 0;
    terminal.complain(`quorate ✗ ${textOf(error)}\n`);
    return 1;
  }
}

type Run = Extract<Asked, { kind: "run" }>;

async function mayGoOn({ command, args, isYes }: Run, terminal: Terminal): Promise<boolean> {
  if (command.warning === undefined || isYes) return true;
  terminal.complain(`${command.warning(args)}\n`);
  const answer = await terminal.ask("Type yes to go on: ");
  if (answer?.trim() === "yes") return true;
  const why = answer === undefined ? "nobody is there to ask; give --yes" : "nothing was done";
  terminal.complain(`quorate ✗ ${why}\n`);
  return false;
}

async function runOn(asked: Run, terminal: Terminal): Promise<ExitCode> {
  const { command, args, isJson, namespace, options, url } = asked;
  const { signal } = terminal;
  const q = await connect(url, {
    name: "quorate-cli",
    requestTimeoutMs: NO_ANSWER_MS,
    signal,
    ...(namespace !== undefined && { namespace }),
  });
  const context: Context = {
    q,
    terminal,
    args,
    option: (name) => options.get(name),
    show: (rows, whenEmpty) => terminal.write(isJson ? jsonOf(rows) : shown(rows, whenEmpty)),
    say: (line) => {
      if (!isJson) terminal.write(`${line}\n`);
    },
  };
  try {
    return await command.run(context);
  } finally {
    await q.close({ graceMs: 0 });
  }
}

function shown(rows: readonly Row[], whenEmpty: string): string {
  return rows.length === 0 ? `${whenEmpty}\n` : tableOf(rows);
}

function jsonOf(rows: readonly Row[]): string {
  return `${JSON.stringify(rows, undefined, 2)}\n`;
}

function textOf(error: unknown): string {
  if (isQuorateError(error)) return `${error.code}: ${error.message} (effect ${error.effect})`;
  return error instanceof Error ? error.message : String(error);
}
