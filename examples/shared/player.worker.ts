/**
 * One player as a process of its own, which the story may kill or stop.
 */
import type { Role } from "./example.ts";
import type { PlayerArguments, PlayerMessage } from "./players.ts";

const { file, role, name, note, url, namespace } = JSON.parse(
  process.argv[2] ?? "{}",
) as PlayerArguments;

// A player whose story is gone has nobody to play for.
const orphaned = (): void => process.exit(1);
process.on("disconnect", orphaned);

const tell = (message: PlayerMessage<unknown>): Promise<void> =>
  new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));

const roles = (await import(file)) as Record<string, Role<unknown>>;
const part = await roles[role]?.({
  name,
  engine: url,
  options: { name, namespace },
  note,
  killed: new AbortController().signal,
  tell: (message) => tell({ kind: "told", message }),
  async freeze() {
    process.kill(process.pid, "SIGSTOP");
  },
});
if (part === undefined) throw new Error(`${file} exports no ${role}`);
process.once("message", () => {
  const end = async (): Promise<void> => {
    await part.close();
    process.off("disconnect", orphaned);
    process.disconnect();
  };
  end().catch((error: unknown) => {
    process.stderr.write(`${name}: ${String(error)}\n`);
    process.exit(1);
  });
});
await tell({ kind: "open" });
