/**
 * Runs one command line: 0 all is well; 1 something is wrong, or was refused; 2 it was not
 * understood, or nobody could be reached.
 */
import { boundedString } from "@quorate/core";
import { connect } from "../connect.ts";
import { type Asked, readArguments } from "./arguments.ts";
import type { Command, ExitCode, LocalContext, Row } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { type Complaint, complaintOf, misuse, textOf } from "./complaint.ts";
import { helpOf } from "./help.ts";
import { tableOf } from "./table.ts";
import type { Terminal } from "./terminal.ts";

const NO_ANSWER_MS = 5_000;
const MAX_NAMESPACE_BYTES = 128;

/** Runs what `words` ask, and says how it went. Never rejects. */
export async function runCommandLine(
  words: readonly string[],
  terminal: Terminal,
  commands: readonly Command[] = COMMANDS,
): Promise<ExitCode> {
  const asked = readArguments(words, commands, terminal.env);
  if (asked.kind === "help") {
    terminal.write(helpOf(commands, asked.about));
    return 0;
  }
  if (asked.kind === "misused") {
    return complain(misuse(asked.problem, asked.cure), words.includes("--json"), terminal);
  }
  const { command, args, isJson, isYes } = asked;
  try {
    if (command.warning !== undefined && !isYes) {
      const refusal = await refusalOf(command.warning(args), terminal);
      if (refusal !== undefined) return complain(refusal, isJson, terminal);
    }
    return await run(asked, contextOf(asked, terminal));
  } catch (error) {
    if (!terminal.signal.aborted) return complain(complaintOf(error), isJson, terminal);
    return command.isEndless === true ? 0 : complain(INTERRUPTED, isJson, terminal);
  }
}

const INTERRUPTED: Complaint = {
  message: "interrupted before it was done",
  code: "INTERRUPTED",
  cure: "look how far it came before you ask again",
  exitCode: 1,
};

type Run = Extract<Asked, { kind: "run" }>;

/** Says what will be done, and asks. `undefined`: go on. */
async function refusalOf(warning: string, terminal: Terminal): Promise<Complaint | undefined> {
  terminal.complain(`${warning}\n`);
  const answer = await terminal.ask("Type yes to go on: ").catch(() => "");
  if (answer?.trim() === "yes") return undefined;
  const isAlone = answer === undefined;
  return {
    message: isAlone ? "nobody is there to ask; nothing was done" : "nothing was done",
    code: "NOT_CONFIRMED",
    effect: "none",
    cure: isAlone ? "give --yes" : "type yes, or give --yes",
    exitCode: 1,
  };
}

async function run({ command, target }: Run, context: LocalContext): Promise<ExitCode> {
  if (command.isLocal === true) return command.run(context);
  const { url, namespace } = target;
  const q = await connect(url, {
    name: "quorate-cli",
    requestTimeoutMs: NO_ANSWER_MS,
    signal: context.terminal.signal,
    ...(namespace !== undefined && {
      namespace: boundedString("--namespace", namespace, MAX_NAMESPACE_BYTES),
    }),
  });
  try {
    return await command.run({ ...context, q });
  } finally {
    await q.close({ graceMs: 0 });
  }
}

function contextOf(asked: Run, terminal: Terminal): LocalContext {
  const { args, isJson, isYes, options, target } = asked;
  const tell: LocalContext["tell"] = (value, text) =>
    terminal.write(isJson ? `${JSON.stringify(value, undefined, 2)}\n` : text);
  return {
    terminal,
    target,
    args,
    isJson,
    isYes,
    option: (name) => options.get(name),
    show: (rows, whenEmpty) => tell(rows, shown(rows, whenEmpty)),
    say: (line) => {
      if (!isJson) terminal.write(`${line}\n`);
    },
    tell,
  };
}

function shown(rows: readonly Row[], whenEmpty: string): string {
  return rows.length === 0 ? `${whenEmpty}\n` : tableOf(rows);
}

function complain(complaint: Complaint, isJson: boolean, terminal: Terminal): ExitCode {
  terminal.complain(textOf(complaint, isJson));
  return complaint.exitCode;
}
