/** DBOS Transact 5: durable workflows in PostgreSQL, with a saga written as its guides show. */
import { type Contender, services, surprised } from "./contender.ts";

const silent = { info() {}, debug() {}, warn() {}, error() {} };

export const dbos: Contender = {
  id: "dbos",
  title: "DBOS 5.3.0, PostgreSQL",
  crowd: 64,
  open: async ({ postgres }) => {
    const { DBOS } = await import("@dbos-inc/dbos-sdk");
    DBOS.setConfig({
      name: "bench",
      systemDatabaseUrl: postgres,
      logger: silent,
      runAdminServer: false,
    });
    const order = DBOS.registerWorkflow(
      async (id: string, refuses: boolean): Promise<string> => {
        const { reservation } = await DBOS.runStep(() => services.reserve(id), { name: "reserve" });
        const { charge } = await DBOS.runStep(() => services.charge(id), { name: "charge" });
        try {
          await DBOS.runStep(
            async () => {
              if (refuses) throw new Error("no parcel today");
              return services.ship(id);
            },
            { name: "ship" },
          );
        } catch {
          await DBOS.runStep(() => services.refund(charge), { name: "refund" });
          await DBOS.runStep(() => services.release(reservation), { name: "release" });
          return "compensated";
        }
        return "done";
      },
      { name: "order" },
    );
    await DBOS.launch();
    const run = async (id: string, refuses: boolean): Promise<string> => {
      const handle = await DBOS.startWorkflow(order, { workflowID: id })(id, refuses);
      return handle.getResult();
    };
    return {
      async succeed(id) {
        if ((await run(id, false)) !== "done") throw surprised(id);
      },
      async compensate(id) {
        if ((await run(id, true)) !== "compensated") throw surprised(id);
      },
      close: () => DBOS.shutdown(),
    };
  },
};
