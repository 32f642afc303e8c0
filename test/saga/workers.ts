/**
 * Worker processes of a test, and what they say.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import type { Order, Said } from "./protocol.ts";
import type { Shop } from "./shop.ts";

const CHILD = fileURLToPath(new URL("worker.child.ts", import.meta.url));

const PATIENCE_MS = 12_000;
/** Of what was said, where something was not. */
const SHOWN = 15;

/** Where workers keep their log, and where the till of the shop is. */
export interface Place {
  readonly engine: string;
  readonly url: string;
  readonly tillUrl: string;
  readonly namespace: string;
  readonly leaseMs: number;
}

/** What was said, by its kind. */
export type SaidOf<K extends Said["kind"]> = Extract<Said, { readonly kind: K }>;

/** A worker process. */
export class Worker {
  readonly name: string;
  readonly process: ChildProcess;
  /** In order. */
  readonly said: Said[] = [];
  readonly #heard: (() => void)[] = [];

  constructor(name: string, { engine, url, tillUrl, namespace, leaseMs }: Place, shop: Shop) {
    this.name = name;
    this.process = spawn(process.execPath, ["-C", "@quorate/source", "--import", "tsx", CHILD], {
      env: {
        ...process.env,
        ENGINE: engine,
        URL: url,
        TILL_URL: tillUrl,
        NAMESPACE: namespace,
        LEASE_MS: String(leaseMs),
      },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.process.on("error", () => {}); // Told something after its death.
    this.process.on("message", (message) => {
      const said = message as Said;
      this.said.push(said);
      if (said.kind === "call") {
        const { call } = said;
        shop.receive({ ...said, from: name }, (answer) =>
          this.order({ kind: "answer", call, answer }),
        );
      }
      this.#wake();
    });
  }

  /** Tells it to do something. */
  order(order: Order): void {
    if (this.process.connected) this.process.send(order, () => {});
  }

  /** All that it said of this kind. */
  all<K extends Said["kind"]>(kind: K): SaidOf<K>[] {
    return this.said.filter((said): said is SaidOf<K> => said.kind === kind);
  }

  /** The first of this kind that fits. */
  hears<K extends Said["kind"]>(
    kind: K,
    fits: (said: SaidOf<K>) => boolean = () => true,
  ): Promise<SaidOf<K>> {
    return this.until(
      () => kind,
      () => this.all(kind).find(fits),
    );
  }

  /** The first of this kind for each of these sagas. */
  hearsOfAll<K extends "told" | "halted" | "verb">(
    kind: K,
    ids: readonly string[],
  ): Promise<SaidOf<K>[]> {
    const missing = (): string[] => {
      const heard = new Set(this.all(kind).map((said) => (said as { readonly id: string }).id));
      return ids.filter((id) => !heard.has(id));
    };
    return this.until(
      () => `${kind} of ${missing().join(", ")}`,
      () => {
        const byId = new Map<string, SaidOf<K>>();
        for (const said of this.all(kind)) {
          const { id } = said as { readonly id: string };
          if (!byId.has(id)) byId.set(id, said);
        }
        const found = ids.flatMap((id) => byId.get(id) ?? []);
        return found.length === ids.length ? found : undefined;
      },
    );
  }

  /** What `look` finds in all that it said, once that is something. */
  async until<T>(what: () => string, look: () => T | undefined): Promise<T> {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    patience.addEventListener("abort", () => this.#wake(), { once: true });
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (patience.aborted) throw new Error(this.#silence(what()));
      await new Promise<void>((resolve) => void this.#heard.push(resolve));
    }
  }

  #wake(): void {
    for (const heard of this.#heard.splice(0)) heard();
  }

  #silence(what: string): string {
    const last = this.said.slice(-SHOWN).map((said) => JSON.stringify(said));
    return `${this.name} did not say: ${what}. It said last:\n${last.join("\n")}`;
  }

  /** Ends the process. */
  kill(): void {
    this.process.kill("SIGKILL");
  }
}
