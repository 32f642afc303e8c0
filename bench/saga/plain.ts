/** Three awaits and nothing else: the floor. */
import { type Contender, services } from "./contender.ts";

export const plain: Contender = {
  id: "plain",
  title: "three awaits, no log",
  crowd: 4_000,
  open: async () => ({
    async succeed(id) {
      await services.reserve(id);
      await services.charge(id);
      await services.ship(id);
    },
    async compensate(id) {
      const { reservation } = await services.reserve(id);
      const { charge } = await services.charge(id);
      try {
        throw new Error("no parcel today");
      } catch {
        await services.refund(charge);
        await services.release(reservation);
      }
    },
    close: async () => {},
  }),
};
