/**
 * Powertools for AWS Lambda, on its Redis layer with @redis/client, in the two ways of its manual:
 * the whole payload as the key (its default), and a key out of the payload with the payload
 * validated.
 */
import { IdempotencyConfig, makeIdempotent } from "@aws-lambda-powertools/idempotency";
import { CachePersistenceLayer } from "@aws-lambda-powertools/idempotency/cache";
import { createClient } from "@redis/client";

import type { Contender, OpenOptions, Request, Session, Work } from "./contender.ts";

type ConfigOptions = ConstructorParameters<typeof IdempotencyConfig>[0];

/** The whole payload, with who asks and the client's key, is what an operation is known by. */
export const powertools: Contender = {
  id: "powertools",
  title: "Powertools 2.35",
  keyIsPayload: true,
  open: (options) => open("powertools", options, {}),
};

/** The client's key and the user are the key; the rest must be the same at a repeat. */
export const powertoolsValidating: Contender = {
  id: "powertools-validating",
  title: "Powertools 2.35, validating",
  open: (options) =>
    open("powertools-validating", options, {
      eventKeyJmesPath: "[user, key]",
      payloadValidationJmesPath: "payload",
    }),
};

async function open(
  name: string,
  { url, leaseMs }: OpenOptions,
  options: ConfigOptions,
): Promise<Session> {
  const client = createClient({ url, name });
  client.on("error", () => {});
  await client.connect();
  const config = new IdempotencyConfig(options);
  // In a Lambda, what is left of its time is the lease; a plain service has no such context.
  if (leaseMs !== undefined) {
    config.registerLambdaContext({ getRemainingTimeInMillis: () => leaseMs });
  }
  const persistenceStore = new CachePersistenceLayer({ client });
  return {
    run: (request: Request, work: Work) => {
      const call = makeIdempotent(({ payload }: Request) => Promise.resolve(work(payload)), {
        persistenceStore,
        config,
      });
      return call(request);
    },
    close: async () => client.destroy(),
  };
}
