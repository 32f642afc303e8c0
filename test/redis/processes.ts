/**
 * Processes that stand in line, as their parent sees them.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Order, Report } from "./waiter.child.ts";

const program = fileURLToPath(new URL("./waiter.child.ts", import.meta.url));
const FLAGS = ["-C", "@quorate/source", "--import", "tsx"];

/** A grant that a process reported, and when its parent heard of it. */
export interface Reported {
  readonly owner: string;
  readonly fencingToken: number;
  readonly atMs: number;
}

/** One process. */
export class WaitingProcess {
  readonly grants: Reported[] = [];
  readonly #child: ChildProcess;
  readonly #looks: ((leftMs: number) => void)[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on("message", (report: Report) => {
      if (report.kind === "granted") this.grants.push({ ...report, atMs: performance.now() });
      if (report.kind === "looked") this.#looks.shift()?.(report.leftMs);
    });
  }

  /** Starts a process; resolves when its backend is ready. */
  static async start(port: number, namespace: string): Promise<WaitingProcess> {
    const child = fork(program, [String(port), namespace], { execArgv: FLAGS });
    const waiting = new WaitingProcess(child);
    await once(child, "message");
    return waiting;
  }

  /** Says what to do. */
  order(order: Order): void {
    this.#child.send(order);
  }

  /** What its own clock leaves of a grant, at the first line it runs. */
  look(owner: string): Promise<number> {
    return new Promise((resolve) => {
      this.#looks.push(resolve);
      this.order({ kind: "look", owner });
    });
  }

  /** SIGSTOP. */
  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  /** SIGCONT. */
  resume(): void {
    this.#child.kill("SIGCONT");
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }
}
