/** node-sagas 0.0.6: a builder in memory; nothing survives the process. */
// oxlint-disable typescript/no-misused-promises -- its types say void, and it awaits
import { type Contender, services, surprised } from "./contender.ts";

/** One object travels through all steps. */
interface Params {
  readonly id: string;
  readonly refuses: boolean;
  reservation?: string;
  charge?: string;
}

export const nodeSagas: Contender = {
  id: "node-sagas",
  title: "node-sagas 0.0.6, nothing durable",
  crowd: 2_000,
  open: async () => {
    const { SagaBuilder, SagaExecutionFailed } = await import("node-sagas");
    // A saga object keeps the state of its run, so each run wants one of its own.
    const build = () =>
      new SagaBuilder<Params>()
        .step("reserve")
        .invoke(async (params: Params) => {
          params.reservation = (await services.reserve(params.id)).reservation;
        })
        .withCompensation(async (params: Params) => services.release(params.reservation ?? ""))
        .step("charge")
        .invoke(async (params: Params) => {
          params.charge = (await services.charge(params.id)).charge;
        })
        .withCompensation(async (params: Params) => services.refund(params.charge ?? ""))
        .step("ship")
        .invoke(async (params: Params) => {
          if (params.refuses) throw new Error("no parcel today");
          await services.ship(params.id);
        })
        .build();
    return {
      async succeed(id) {
        await build().execute({ id, refuses: false });
      },
      async compensate(id) {
        const error: unknown = await build()
          .execute({ id, refuses: true })
          .then(
            () => undefined,
            (reason: unknown) => reason,
          );
        if (!(error instanceof SagaExecutionFailed)) throw surprised(id);
      },
      close: async () => {},
    };
  },
};
