/**
 * Members of queues: registered in the store for a while, and again before it is over.
 *
 * Whoever publishes finds the members of a queue there, and strikes off those whose channel nobody
 * reads; a member that lives is back with its next registration, at once after a reconnect.
 */
import { encodeName, isPrefix, type Timer } from "@quorate/core";
import type { Engine } from "../engine.ts";

const TTL_MS = 15_000;
const REFRESH_MS = 5_000;

interface Membership {
  readonly registry: string;
  readonly entry: string;
}

/** This process's members. */
export class QueueMembers {
  readonly #engine: Engine;
  readonly #prefix: string;
  readonly #joined = new Map<string, Membership>();
  readonly #detach: (() => void)[];
  #timer: Timer | undefined;

  constructor(engine: Engine, prefix: string) {
    this.#engine = engine;
    this.#prefix = prefix;
    const again = (): void => this.#refresh();
    this.#detach = [engine.subscriber.onReset(again), engine.link.onBreak(again)];
  }

  /** Registers a member of `queue` for what is published to `target`. */
  async join(target: string, queue: string, member: string): Promise<void> {
    const membership = {
      registry: `${this.#prefix}q:${encodeTarget(target)}`,
      entry: `${encodeName(queue)}\t${member}`,
    };
    this.#joined.set(member, membership);
    await this.#register(membership, TTL_MS);
    this.#arm();
  }

  /** Strikes a member off. */
  async leave(_target: string, _queue: string, member: string): Promise<void> {
    const membership = this.#joined.get(member);
    this.#joined.delete(member);
    if (membership !== undefined) await this.#register(membership, 0);
  }

  /** Registries in which queues for `subject` may be: its own, and those of each prefix. */
  registriesOf(subject: string): readonly string[] {
    const encoded = encodeName(subject);
    const targets = ["", encoded];
    for (let at = encoded.indexOf("/"); at >= 0; at = encoded.indexOf("/", at + 1)) {
      targets.push(encoded.slice(0, at + 1));
    }
    return targets.map((target) => `${this.#prefix}q:${target}`);
  }

  /** Stops registering. */
  close(): void {
    for (const detach of this.#detach) detach();
    this.#timer?.cancel();
  }

  #arm(): void {
    if (this.#joined.size === 0) return;
    this.#timer ??= this.#engine.runtime.time.setTimer(
      REFRESH_MS,
      () => {
        this.#timer = undefined;
        this.#refresh();
        this.#arm();
      },
      { keepAlive: false },
    );
  }

  #refresh(): void {
    for (const membership of this.#joined.values()) {
      // The next refresh tries again; a registration lasts for three.
      this.#register(membership, TTL_MS).catch(() => {});
    }
  }

  async #register(membership: Membership, ttlMs: number): Promise<void> {
    const { link, scripts, bounds } = this.#engine;
    await link.run({
      operation: "bus.subscribe",
      script: scripts["bus-join"],
      keys: [membership.registry],
      args: [membership.entry, String(ttlMs)],
      timeoutMs: bounds.requestTimeoutMs,
    });
  }
}

function encodeTarget(target: string): string {
  if (target === "") return "";
  return isPrefix(target) ? `${encodeName(target.slice(0, -1))}/` : encodeName(target);
}
