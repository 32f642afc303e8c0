/**
 * A front door as a process of its own, which its parent may kill.
 */
import { openDoor } from "./door.ts";
import { connect } from "./engines.ts";
import type { DoorMessage, WorkerArguments } from "./processes.ts";

const { engine, namespace } = JSON.parse(process.argv[2] ?? "{}") as WorkerArguments;

// A door whose parent is gone has nobody to report to.
const orphaned = (): void => process.exit(1);
process.on("disconnect", orphaned);

const tell = (message: DoorMessage): void => void process.send?.(message);

const { backend, close } = await connect(engine, namespace);
await backend.ready();
const door = await openDoor({ backend, onOrder: () => tell({ kind: "order" }) });
process.once("message", () => {
  void door
    .close()
    .then(close)
    .then(() => {
      process.off("disconnect", orphaned);
      process.disconnect();
    });
});
tell({ kind: "open", port: door.port });
