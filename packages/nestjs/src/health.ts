/**
 * How the engine is, in the shape that `@nestjs/terminus` 11 and others show.
 *
 * Guarantees: it never throws for a server that is down; that is an answer.
 */
import { boundedString } from "@quorate/core";
import type { Quorate } from "quorate";

/** One indicator's result, under its key. */
export type QuorateHealthResult<K extends string> = Record<
  K,
  {
    /** Whether the engine answered. */
    readonly status: "up" | "down";
    /** What runs there, as `redis 7.0.15`. */
    readonly server?: string;
    /** One round trip. */
    readonly roundTripMs?: number;
    /** What is wrong or risky, each with its cure. */
    readonly warnings?: readonly string[];
  }
>;

const MAX_KEY_BYTES = 256;

/** A health indicator: `health.check([() => quorate.isHealthy()])`. */
export class QuorateHealth {
  readonly #q: Quorate;

  /** Made by the module. */
  constructor(q: Quorate) {
    this.#q = q;
  }

  /** Asks the engine. @default key "quorate" */
  async isHealthy<K extends string = "quorate">(
    key: K = "quorate" as K,
  ): Promise<QuorateHealthResult<K>> {
    boundedString("key", key, MAX_KEY_BYTES);
    const { ok, roundTripMs, server, warnings } = await this.#q.health();
    const facts = {
      status: ok ? "up" : "down",
      ...(server !== undefined && { server }),
      ...(roundTripMs !== undefined && { roundTripMs }),
      ...(warnings.length > 0 && { warnings }),
    };
    return { [key]: facts } as QuorateHealthResult<K>;
  }
}
