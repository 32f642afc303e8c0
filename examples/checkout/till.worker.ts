/**
 * A till as a process of its own, which its parent may kill.
 */
import { connect } from "./engines.ts";
import type { TillArguments, TillMessage } from "./processes.ts";
import { openTill } from "./till.ts";

const { engine, namespace, providerUrl, name } = JSON.parse(
  process.argv[2] ?? "{}",
) as TillArguments;

// A till whose parent is gone has nobody to report to.
const orphaned = (): void => process.exit(1);
process.on("disconnect", orphaned);

const tell = (message: TillMessage): void => void process.send?.(message);

const { backend, close } = await connect(engine, namespace);
await backend.ready();
const till = await openTill({ backend, name, providerUrl, report: tell });
process.once("message", () => {
  void till
    .close()
    .then(close)
    .then(() => {
      process.off("disconnect", orphaned);
      process.disconnect();
    });
});
tell({ kind: "open" });
