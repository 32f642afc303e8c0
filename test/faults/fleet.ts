/**
 * A fleet of worker processes, and everything that they told, in the order of its times.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { type Mission, MISSION, type Order, type Told } from "./protocol.ts";

const PROGRAM = fileURLToPath(new URL("worker.child.ts", import.meta.url));
const FLAGS = ["-C", "@quorate/source", "--import", "tsx"];
/** Workers that were told to stop finish the claim that they wait for. */
const STOP_MS = 8_000;

/** One worker process. */
export class Worker {
  readonly name: string;
  readonly told: Told[] = [];
  readonly #child: ChildProcess;
  readonly #gone: Promise<unknown>;

  private constructor(mission: Mission) {
    this.name = mission.name;
    this.#child = fork(PROGRAM, {
      execArgv: FLAGS,
      env: { ...process.env, [MISSION]: JSON.stringify(mission) },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#gone = once(this.#child, "exit");
    this.#child.on("message", (told) => void this.told.push(told as Told));
  }

  /** Starts one; resolves when its backend is ready. */
  static async start(mission: Mission): Promise<Worker> {
    const worker = new Worker(mission);
    const ready = once(worker.#child, "message");
    const died = worker.#gone.then(() => Promise.reject(new Error(`${mission.name} died early`)));
    await Promise.race([ready, died]);
    died.catch(() => {});
    return worker;
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** SIGSTOP. */
  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  /** SIGCONT. */
  resume(): void {
    this.#child.kill("SIGCONT");
  }

  /** Blocks its event loop. */
  block(ms: number): void {
    this.#order({ type: "block", ms });
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    if (!this.isAlive) return;
    this.#child.kill("SIGKILL");
    await this.#gone;
  }

  /** Lets it end what it is at, then leave; kills it if it does not. True: it left by itself. */
  async stop(): Promise<boolean> {
    if (!this.isAlive) return true;
    this.#order({ type: "stop" });
    const left = await Promise.race([this.#gone.then(() => true), after(STOP_MS)]);
    if (!left) await this.kill();
    return left;
  }

  #order(order: Order): void {
    if (this.isAlive) this.#child.send(order, () => {});
  }
}

async function after(ms: number): Promise<false> {
  await new Promise((resolve) => setTimeout(resolve, ms).unref());
  return false;
}
