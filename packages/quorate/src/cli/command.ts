/**
 * What a command is, and what it is given.
 *
 * Commands are data: the help, the parser and the tests read the same table that runs them.
 */
import type { Quorate } from "../quorate.ts";
import type { Terminal } from "./terminal.ts";

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

/** What a command is given. */
export interface Context {
  readonly q: Quorate;
  readonly terminal: Terminal;
  /** Its arguments, as many as it has names for. */
  readonly args: readonly string[];
  /** The value of an option; "": it was given without one. */
  option(name: string): string | undefined;
  /** Shows rows: a table for people, or one JSON array with `--json`. */
  show(rows: readonly Row[], whenEmpty: string): void;
  /** Says a line to people; nothing with `--json`. */
  say(line: string): void;
}

/** One command, such as `lock break`. */
export interface Command {
  readonly path: readonly string[];
  /** Names of its arguments, all needed; the last may be repeated if it ends in `…`. */
  readonly args: readonly string[];
  readonly summary: string;
  readonly options?: readonly CommandOption[];
  /** What it is about to do, for those that cannot be taken back: asked first, but for `--yes`. */
  readonly warning?: (args: readonly string[]) => string;
  /** 0: fine; 1: it found something wrong. */
  run(context: Context): Promise<0 | 1>;
}
