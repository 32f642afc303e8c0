/**
 * Defects of the bus, as real engines have had them.
 */
import { isQuorateError, QuorateError, sleep } from "@quorate/core";
import { type Mutant, onBus, patch, without } from "./tools.fixture.ts";

/** What the suite must find in a bus. */
export const ofBus: readonly Mutant[] = [
  {
    name: "nobody is told that nobody listens",
    area: "bus",
    mutate: onBus((bus, { runtime }) => ({
      async request(subject, data, options) {
        try {
          return await bus.request(subject, data, options);
        } catch (error) {
          if (!isQuorateError(error, "NO_RESPONDERS")) throw error;
          await sleep(runtime, options.timeoutMs);
          const details = { operation: "bus.request", timeoutMs: options.timeoutMs };
          throw new QuorateError("TIMEOUT", "no answer", { effect: "unknown", details });
        }
      },
    })),
  },
  {
    name: "every member of a queue gets every message",
    area: "bus",
    mutate: onBus((bus) => ({ subscribe: (s, h, o) => bus.subscribe(s, h, without(o, "queue")) })),
  },
  {
    name: "messages overtake each other",
    area: "bus",
    mutate: onBus((bus) => {
      let count = 0;
      return {
        async publish(subject, data, options) {
          if (count++ % 10 === 5) await Promise.resolve();
          return bus.publish(subject, data, options);
        },
      };
    }),
  },
  {
    name: "a handler that fails ends its subscription",
    area: "bus, finer",
    mutate: onBus((bus) => ({
      async subscribe(subject, handler, options) {
        const subscription = await bus.subscribe(
          subject,
          async (message) => {
            try {
              await handler(message);
            } catch {
              void subscription.close();
            }
          },
          options,
        );
        return subscription;
      },
    })),
  },
  {
    name: "headers are lost",
    area: "bus",
    mutate: onBus((bus) => ({ publish: (s, d, o) => bus.publish(s, d, without(o, "headers")) })),
  },
  {
    name: "a closed backend goes on listening",
    area: "bus, finer",
    mutate: (backend) => patch(backend, { close: async () => {} }),
  },
];
