/**
 * The application's side of the decorators: its `Quorate` object, its candidates, its end.
 *
 * Nest makes one for each application and gives it to each object that has a decorated method. So
 * two applications in one process, as in tests, never use each other's engine.
 */
import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from "@nestjs/common";
import type { DiscoveryService } from "@nestjs/core";
import { isQuorateError, type Ms } from "@quorate/core";
import type { Quorate } from "quorate";
import type { ElectionOptions } from "quorate/election";
import { LeaderDesk } from "./leader-desk.ts";
import { PREPARATIONS } from "./tokens.ts";

/** What a decorated method wants done when the application starts. */
export type Preparation = (host: QuorateHost) => void;

/** One application's. */
export class QuorateHost implements OnApplicationBootstrap, OnApplicationShutdown {
  /** The application's. */
  readonly q: Quorate;
  readonly #discovery: DiscoveryService;
  readonly #graceMs: Ms;
  readonly #desks = new Map<string, LeaderDesk>();

  constructor(q: Quorate, discovery: DiscoveryService, graceMs: Ms) {
    this.q = q;
    this.#discovery = discovery;
    this.#graceMs = graceMs;
  }

  /** Candidates campaign, and schedules are checked, before the application takes requests. */
  onApplicationBootstrap(): void {
    for (const preparation of this.#preparations()) preparation(this);
  }

  /** When requests have ended: resigns, gives back, closes what was opened. */
  onApplicationShutdown(): Promise<void> {
    return this.q.close({ graceMs: this.#graceMs });
  }

  /** Campaigns in the election `name` from now on; once, with the options of the first time. */
  campaign(name: string, options: ElectionOptions | undefined): void {
    if (this.#desks.has(name)) return;
    const desk = new LeaderDesk(this.q.elect(name, options));
    this.#desks.set(name, desk);
    desk.campaign().catch((error: unknown) => {
      if (isQuorateError(error, "CLOSED")) return;
      new Logger("Quorate").error(`the candidate for ${name} has stopped: ${String(error)}`);
    });
  }

  /** Runs `work` while this process leads `name`; `undefined`: it does not. */
  async asLeader<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
    return this.#desks.get(name)?.run(work);
  }

  #preparations(): ReadonlySet<Preparation> {
    const found = new Set<Preparation>();
    for (const wrapper of [
      ...this.#discovery.getProviders(),
      ...this.#discovery.getControllers(),
    ]) {
      const instance: unknown = wrapper.instance;
      const made = typeof instance === "object" ? instance?.constructor : undefined;
      for (const type of [wrapper.metatype, made]) {
        if (typeof type !== "function") continue;
        const own = Reflect.getMetadata(PREPARATIONS, type) as readonly Preparation[] | undefined;
        own?.forEach((preparation) => found.add(preparation));
      }
    }
    return found;
  }
}
