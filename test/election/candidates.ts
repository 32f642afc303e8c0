/**
 * Candidate processes of a test, and what they say.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import type { Order } from "./worker.child.ts";

const CHILD = fileURLToPath(new URL("worker.child.ts", import.meta.url));

/** Something that a candidate told. */
export type Told = { readonly kind: string; readonly from: string } & Record<string, unknown>;

/** Where candidates campaign. */
export interface Site {
  readonly engine: string;
  readonly url: string;
  readonly namespace: string;
  readonly ttlMs: number;
}

/** A fleet. What all of them told stands in one list, in the order of its arrival. */
export class Candidates {
  readonly told: Told[] = [];
  readonly #site: Site;
  readonly #processes = new Map<string, ChildProcess>();
  readonly #heard: (() => void)[] = [];

  constructor(site: Site) {
    this.#site = site;
  }

  /** Starts a candidate. */
  start(name: string): void {
    const { engine, url, namespace, ttlMs } = this.#site;
    const env = { ENGINE: engine, URL: url, NAMESPACE: namespace, TTL_MS: String(ttlMs) };
    const child = spawn(process.execPath, ["-C", "@quorate/source", "--import", "tsx", CHILD], {
      env: { ...process.env, ...env, CANDIDATE: name },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#processes.set(name, child);
    child.on("message", (message) => {
      this.told.push(message as Told);
      for (const heard of this.#heard.splice(0)) heard();
    });
  }

  /** The first that fits, at or after `from` in the list. */
  async hears(kind: string, fits: Partial<Told> = {}, from = 0): Promise<Told> {
    for (;;) {
      const found = this.told.slice(from).find((told) => {
        const wanted = Object.entries({ ...fits, kind });
        return wanted.every(([key, value]) => told[key] === value);
      });
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#heard.push(resolve));
    }
  }

  /** Who began last. */
  get leader(): Told {
    const last = this.told.findLast(({ kind }) => kind === "began");
    if (last === undefined) throw new Error("nobody has begun yet");
    return last;
  }

  /** Others than the leader that live. */
  get followers(): readonly string[] {
    return [...this.#processes.keys()].filter((name) => name !== this.leader.from);
  }

  order(name: string, order: Order): void {
    this.#processes.get(name)?.send(order);
  }

  signal(name: string, signal: NodeJS.Signals): void {
    this.#processes.get(name)?.kill(signal);
  }

  /** Ends a candidate by `signal`; resolves to its exit code. */
  async end(name: string, signal: NodeJS.Signals): Promise<unknown> {
    const child = this.#processes.get(name);
    this.#processes.delete(name);
    if (child === undefined) return undefined;
    const exit = once(child, "exit");
    child.kill(signal);
    const [code] = (await exit) as unknown[];
    return code;
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.#processes.keys()].map((name) => this.end(name, "SIGKILL")));
  }
}

/** The same clock as in the candidates. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
