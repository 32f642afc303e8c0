/**
 * A terminal that keeps what was written, and answers what it is told to.
 */
import type { Terminal } from "./terminal.ts";

/** The terminal, and what was said on it. */
export interface Typed {
  readonly own: Terminal;
  readonly said: { out: string; err: string };
  /** Ctrl-C. */
  interrupt(): void;
}

/** `answer` is typed whenever something is asked; `undefined`: nobody is there. */
export function typedTerminal(
  answer?: string,
  env: Readonly<Record<string, string>> = { USER: "anna" },
): Typed {
  const said = { out: "", err: "" };
  const interrupted = new AbortController();
  const own: Terminal = {
    env,
    signal: interrupted.signal,
    write: (text) => void (said.out += text),
    complain: (text) => void (said.err += text),
    ask: async () => answer,
  };
  return { own, said, interrupt: () => interrupted.abort(new Error("interrupted")) };
}
