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
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const interrupted = new AbortController();
  process.once("SIGINT", () => interrupted.abort(new Error("interrupted")));
  return {
    env: process.env,
    signal: interrupted.signal,
    write: (text) => void process.stdout.write(text),
    complain: (text) => void process.stderr.write(text),
    async ask(question) {
      if (!process.stdin.isTTY) return undefined;
      const line = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return await line.question(question);
      } finally {
        line.close();
      }
    },
  };
}
