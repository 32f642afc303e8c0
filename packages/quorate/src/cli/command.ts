/**
 * What a command is, and what it is given.
 *
 * Commands are data: the help, the parser, the reference in `docs/cli.md` and the tests read the
 * same table that runs them. Most work on a store, and find it connected; those that say
 * `isLocal` need none, or connect for themselves.
 */
import type { Quorate } from "../quorate.ts";
import type { Terminal } from "./terminal.ts";

/** What a process ends with: fine; something is wrong or refused; not understood or unreachable. */
export type ExitCode = 0 | 1 | 2;

/** Anything that can be shown in a cell. */
export type Cell = string | number | boolean | Date | undefined;

/** One thing to show, by the names of its columns. */
export type Row = Readonly<Record<string, Cell>>;

/** An option of one command, beside those of all. */
export interface CommandOption {
  readonly name: string;
  /** What stands for its value in the help; absent: it has none. */
  readonly value?: string;
  readonly summary: string;
}

/** Which store was named, and whose records in it. The URL may hold a password: never print it. */
export interface Target {
  readonly url: string;
  readonly namespace: string | undefined;
}

/** What every command is given. */
export interface LocalContext {
  readonly terminal: Terminal;
  readonly target: Target;
  /** Its arguments, as many as it has names for. */
  readonly args: readonly string[];
  /** With `--json`: standard output is for one JSON value and nothing else. */
  readonly isJson: boolean;
  /** With `--yes`: nobody is to be asked. */
  readonly isYes: boolean;
  /** The value of an option; "": it was given without one. */
  option(name: string): string | undefined;
  /** Shows rows: a table for people, or one JSON array with `--json`. */
  show(rows: readonly Row[], whenEmpty: string): void;
  /** Says a line to people; nothing with `--json`. */
  say(line: string): void;
  /** Shows what no table fits: `text` to people, or `value` as the one JSON value. */
  tell(value: unknown, text: string): void;
}

/** What a command on a store is given. */
export interface Context extends LocalContext {
  readonly q: Quorate;
}

/** What is told of a command. */
export interface CommandFacts {
  readonly path: readonly string[];
  /** Names of its arguments, all needed. */
  readonly args: readonly string[];
  readonly summary: string;
  /** More about it, for its own help and for the reference: whole sentences. */
  readonly details?: string;
  readonly options?: readonly CommandOption[];
  /** Lines to copy, each a whole call. */
  readonly examples?: readonly string[];
  /** What it is about to do, for those that cannot be taken back: asked first, but for `--yes`. */
  readonly warning?: (args: readonly string[]) => string;
  /** It goes on until Ctrl-C, which is then its proper end. */
  readonly isEndless?: true;
}

/** A command on a store that is there. */
export interface StoreCommand extends CommandFacts {
  readonly isLocal?: false | undefined;
  /** 0: fine; 1: it found something wrong. */
  run(context: Context): Promise<ExitCode>;
}

/** A command that needs no store, or judges by itself whether there is one. */
export interface LocalCommand extends CommandFacts {
  readonly isLocal: true;
  /** 0: fine; 1: it found something wrong; 2: there was nothing that it could work on. */
  run(context: LocalContext): Promise<ExitCode>;
}

/** One command, such as `lock break`. */
export type Command = StoreCommand | LocalCommand;
