/**
 * A clerk of the night shift as a process of its own, which its parent may kill.
 */
import { openNightShift } from "./clerk.ts";
import { connect } from "./engines.ts";
import type { ClerkArguments, ClerkMessage } from "./processes.ts";
import { itemsOf, readOrders } from "./shop.ts";

const { engine, namespace, name } = JSON.parse(process.argv[2] ?? "{}") as ClerkArguments;

// A clerk whose parent is gone has nobody to report to.
const orphaned = (): void => process.exit(1);
process.on("disconnect", orphaned);

const tell = (message: ClerkMessage): Promise<void> =>
  new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));

const { backend, close } = await connect(engine, namespace);
await backend.ready();
const items = itemsOf(readOrders());
const clerk = openNightShift({ backend, name, items, report: tell });
process.once("message", () => {
  void clerk
    .close()
    .then(close)
    .then(() => {
      process.off("disconnect", orphaned);
      process.disconnect();
    });
});
await tell({ kind: "hired" });
