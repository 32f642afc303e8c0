/**
 * The terminal: all that a command sees of the world besides the store.
 */
import { createInterface } from "node:readline/promises";

/** Where commands write, and whom they ask. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** To standard output. */
  write(text: string): void;
  /** To standard error. */
  complain(text: string): void;
  /** A line from whoever sits there; `undefined`: nobody does. */
  ask(question: string): Promise<string | undefined>;
  /** Aborts on SIGINT: the end of what would go on for ever. */
  readonly signal: AbortSignal;
  /** The window, where standard output is one; absent: a file or a pipe. */
  readonly screen?: Screen;
}

/** A window that can be drawn on as a whole. */
export interface Screen {
  /** Now: people resize. */
  size(): { readonly columns: number; readonly rows: number };
  /**
   * Takes the window and the keyboard over; the result gives both back as they were. `onKey` hears
   * each key, Ctrl-C as the character that it is.
   */
  open(onKey: (key: string) => void): () => void;
}

/** Another buffer, so that what was there comes back; no cursor. */
const TAKE = "\u001b[?1049h\u001b[?25l";
const GIVE_BACK = "\u001b[?25h\u001b[?1049l";

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const interrupted = new AbortController();
  process.once("SIGINT", () => interrupted.abort(new Error("interrupted")));
  return {
    env: process.env,
    signal: interrupted.signal,
    ...(process.stdout.isTTY && { screen: processScreen() }),
    write: (text) => void process.stdout.write(text),
    complain: (text) => void process.stderr.write(text),
    async ask(question) {
      if (!process.stdin.isTTY) return undefined;
      const line = createInterface({ input: process.stdin, output: process.stderr });
      // Ctrl-C and Ctrl-D close it, and the question would never be answered.
      const closed = new Promise<undefined>((resolve) => {
        line.once("close", () => resolve(undefined));
      });
      try {
        return await Promise.race([line.question(question), closed]);
      } finally {
        line.close();
      }
    },
  };
}

function processScreen(): Screen {
  const { stdin, stdout } = process;
  return {
    size: () => ({ columns: stdout.columns, rows: stdout.rows }),
    open(onKey) {
      const hear = (data: Buffer): void => onKey(data.toString("utf8"));
      const hasKeyboard = stdin.isTTY;
      stdout.write(TAKE);
      if (hasKeyboard) stdin.setRawMode(true).on("data", hear).resume();
      return () => {
        if (hasKeyboard) stdin.setRawMode(false).off("data", hear).pause();
        stdout.write(GIVE_BACK);
      };
    },
  };
}
