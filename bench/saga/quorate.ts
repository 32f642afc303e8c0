/** Ours, on each engine: the same definition, the same code. */
import { type Backend, isQuorateError, refuse } from "@quorate/core";
import { memoryBackend } from "@quorate/memory";
import { createSagas, saga } from "@quorate/transaction";

import type { Opened } from "./engines.ts";
import { type Contender, type Servers, services, type Session, surprised } from "./contender.ts";

interface Order {
  readonly id: string;
  readonly refuses: boolean;
}

/** Three steps; the third may say no. */
export const order = saga("order", { version: 1, input: (input: Order) => input })
  .step("reserve", {
    run: ({ input }) => services.reserve(input.id),
    undo: ({ out }) => services.release(out.reserve?.reservation ?? ""),
  })
  .step("charge", {
    run: ({ input }) => services.charge(input.id),
    undo: ({ out }) => services.refund(out.charge?.charge ?? ""),
  })
  .step("ship", {
    run: ({ input }) => {
      if (input.refuses) throw refuse("no parcel today");
      return services.ship(input.id);
    },
    undo: "none",
  })
  .returns(({ out }) => out.ship.parcel);

/** A session on `backend`, which it does not close. */
export async function sessionOn(backend: Backend): Promise<Session> {
  const sagas = createSagas(backend);
  sagas.serve(order);
  return {
    succeed: (id) => sagas.run(order, { id, input: { id, refuses: false } }),
    async compensate(id) {
      const error: unknown = await sagas.run(order, { id, input: { id, refuses: true } }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (!isQuorateError(error, "SAGA_COMPENSATED")) throw surprised(id);
    },
    close: () => sagas.close(),
  };
}

function on(
  engine: string,
  title: string,
  crowd: number,
  connect: (servers: Servers) => Promise<Opened>,
): Contender {
  return {
    id: `quorate-${engine}`,
    title: `Quorate, ${title}`,
    crowd,
    open: async (servers) => {
      const { backend, close } = await connect(servers);
      const session = await sessionOn(backend);
      return {
        ...session,
        close: async () => {
          await session.close();
          await close();
        },
      };
    },
  };
}

export const onMemory: Contender = {
  ...on("memory", "memory", 24_000, async () => {
    const backend = memoryBackend();
    return { backend, close: () => backend.close() };
  }),
  isForgotten: true,
};
export const onRedis: Contender = on("redis", "Redis", 2_000, async ({ redis }) => {
  return (await import("./engines.ts")).openRedis(redis);
});
export const onNats: Contender = on("nats", "NATS JetStream", 800, async ({ nats }) => {
  return (await import("./engines.ts")).openNats(nats);
});
