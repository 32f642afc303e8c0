/**
 * Worker processes of a test, and what they say.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import type { Order } from "./worker.child.ts";

const CHILD = fileURLToPath(new URL("worker.child.ts", import.meta.url));

/** Something that a worker told. */
export type Told = { readonly kind: string; readonly id?: number } & Record<string, unknown>;

/** Where workers call. */
export interface Site {
  readonly engine: string;
  readonly url: string;
  readonly namespace: string;
  readonly leaseMs: number;
}

/** A worker process. */
export class Worker {
  readonly process: ChildProcess;
  /** In order. */
  readonly told: Told[] = [];
  readonly #heard: (() => void)[] = [];

  constructor({ engine, url, namespace, leaseMs }: Site) {
    this.process = spawn(process.execPath, ["-C", "@quorate/source", "--import", "tsx", CHILD], {
      env: {
        ...process.env,
        ENGINE: engine,
        URL: url,
        NAMESPACE: namespace,
        LEASE_MS: String(leaseMs),
      },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.process.on("message", (message) => {
      this.told.push(message as Told);
      for (const heard of this.#heard.splice(0)) heard();
    });
  }

  /** Makes calls. */
  order(...orders: Order[]): void {
    this.process.send(orders);
  }

  /** The first of these kinds, of the call with this id if given. */
  async hears(kinds: string | readonly string[], id?: number): Promise<Told> {
    for (;;) {
      const found = this.told.find(
        (told) => kinds.includes(told.kind) && (id === undefined || told.id === id),
      );
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#heard.push(resolve));
    }
  }

  /** How the call with this id ended. */
  end(id: number): Promise<Told> {
    return this.hears(["answered", "failed"], id);
  }

  /** Ends the process. */
  kill(): void {
    this.process.kill("SIGKILL");
  }
}
