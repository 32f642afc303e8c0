/**
 * A service that does what a test says, and a caller in another process.
 */
import { isQuorateError } from "@quorate/core";
import { z } from "zod";

import { type Client, client } from "./client/client.ts";
import type { ClientOptions } from "./client/options.ts";
import { contract } from "./contract.ts";
import type { CallFacts, ServedCall } from "./served-call.ts";
import type { ServeOptions } from "./server/options.ts";
import { serve, type Server } from "./server/serve.ts";
import { type Place, World } from "./world.fixture.ts";

/** In and out of each method. */
export const ask = { input: z.object({ n: z.int() }), output: z.object({ n: z.int() }) };

/** One unsafe method, one safe. */
export const Echo = contract("echo", "1.2.0", {
  pay: {
    ...ask,
    errors: {
      Declined: z.object({ by: z.string() }),
      Half: { data: z.int(), effect: "applied" },
    },
  },
  read: { ...ask, repeat: "safe", attemptTimeoutMs: 200 },
});
type Pay = (typeof Echo)["methods"]["pay"];

/** What both methods do. */
export type Work = (n: number, call: ServedCall<Pay>) => unknown;

/** Two processes. */
export class EchoWorld extends World {
  readonly there: Place = this.process();
  readonly here: Place = this.process();

  /** A server whose methods both do `work`. */
  served(work: Work, options: ServeOptions = {}): Promise<Server> {
    const both = async (input: { n: number }, call: CallFacts): Promise<{ n: number }> =>
      ({ n: await work(input.n, call as ServedCall<Pay>) }) as { n: number };
    return serve(this.there.backend, Echo, { pay: both, read: both }, options);
  }

  /** A client of it. */
  calling(options: ClientOptions = {}, place: Place = this.here): Client<typeof Echo> {
    return client(place.backend, Echo, { presence: false, ...options });
  }

  /** What a call came to: its output, or code and effect. */
  async told(call: Promise<{ n: number }>): Promise<unknown> {
    const outcome = await this.outcome(call);
    return isQuorateError(outcome) ? `${outcome.code} ${outcome.effect}` : outcome;
  }
}

/** Work that does not end. */
export const never = (): Promise<never> => new Promise(() => {});
