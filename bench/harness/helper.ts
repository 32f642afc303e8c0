/**
 * A process of its own for what is measured, driven over Node's IPC.
 *
 * What runs in one process with its rivals is measured with all that they do to it: their hooks on
 * every promise, their garbage, code that has seen the types of all.
 */
import { type ChildProcess, fork } from "node:child_process";

type Reply<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly message: string };

/** A process that carries out orders, one at a time; the other end is `takeOrders`. */
export class Helper<Order extends object, Value> {
  readonly #child: ChildProcess;

  /** Starts `file`. */
  constructor(file: URL) {
    this.#child = fork(file, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  }

  /** Has `order` carried out. Rejects with what went wrong there, or when the process ends. */
  async ask(order: Order): Promise<Value> {
    const child = this.#child;
    const reply = await new Promise<Reply<Value>>((resolve, reject) => {
      const gone = (code: number | null, signal: string | null): void =>
        reject(new Error(`a process of the benchmark ended with ${code ?? signal}`));
      child.once("exit", gone);
      child.once("message", (message) => {
        child.off("exit", gone);
        resolve(message as Reply<Value>);
      });
      child.send(order);
    });
    if (reply.ok) return reply.value;
    throw new Error(`in a process of the benchmark: ${reply.message}`);
  }

  /** Ends the process. */
  async end(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once("exit", () => resolve());
      child.kill("SIGKILL");
    });
  }
}

/** Carries out what the parent orders, until it has gone. */
export function takeOrders<Value>(carryOut: (order: never) => Promise<Value>): void {
  const reply = (message: Reply<Value>): void => void process.send?.(message);
  process.on("disconnect", () => process.exit());
  process.on("message", (order) => {
    void carryOut(order as never).then(
      (value) => reply({ ok: true, value }),
      (error: unknown) =>
        reply({ ok: false, message: error instanceof Error ? (error.stack ?? "") : String(error) }),
    );
  });
}
