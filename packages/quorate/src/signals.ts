/**
 * The end of a process: SIGTERM closes, and then the signal does what it would have done.
 *
 * Kubernetes and systemd say SIGTERM, wait, and then kill. A process that closes in between hands
 * over in milliseconds what a crash would cost a lease for.
 *
 * Guarantees: closes once; a second signal ends the process at once; afterwards the process ends by
 * the signal, so that whoever started it sees what ended it.
 */
import type { Ms } from "@quorate/core";

/** A signal that asks a process to end. */
export type EndSignal = "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGQUIT" | "SIGUSR2" | "SIGBREAK";

/** What is told to end. The `process` of Node, unless a test hands in another. */
export interface SignalledProcess {
  readonly pid: number;
  on(signal: EndSignal, listener: (signal: EndSignal) => void): unknown;
  off(signal: EndSignal, listener: (signal: EndSignal) => void): unknown;
  kill(pid: number, signal: EndSignal): unknown;
}

/** How a process ends. */
export interface SignalOptions {
  /** @default ["SIGTERM", "SIGINT"] */
  readonly signals?: readonly EndSignal[];
  /** Passed to `close`. Less than what the platform waits before it kills. @default 10000 */
  readonly graceMs?: Ms;
}

const DEFAULT_GRACE_MS = 10_000;

/** Closes on a signal, until the function returned is called. */
export function closeOnSignal(
  close: (options: { readonly graceMs: Ms }) => Promise<void>,
  options: SignalOptions = {},
  target: SignalledProcess = process,
): () => void {
  const { signals = ["SIGTERM", "SIGINT"], graceMs = DEFAULT_GRACE_MS } = options;
  let isClosing = false;
  const stop = (): void => {
    for (const signal of signals) target.off(signal, listener);
  };
  const end = (signal: EndSignal): void => {
    stop();
    target.kill(target.pid, signal);
  };
  const listener = (signal: EndSignal): void => {
    if (isClosing) return end(signal);
    isClosing = true;
    // A close that failed has closed what it could: the end is the same.
    close({ graceMs }).then(
      () => end(signal),
      () => end(signal),
    );
  };
  for (const signal of signals) target.on(signal, listener);
  return stop;
}
