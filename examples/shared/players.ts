/**
 * Who starts players: in this process on one store in memory, or each in a process of its own.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createMemoryStore, memoryBackend } from "@quorate/memory";
import { joinSources } from "../../scripts/join-sources.mjs";
import { cutOff } from "./cut-off.ts";
import type { Actor, Player, Role, Stage, StartOptions } from "./example.ts";
import { forkModule } from "./fork.ts";
import { pausableRuntime } from "./pausable-runtime.ts";

/** A way to start players, and where they meet. */
export interface Troupe extends Pick<Stage, "engine" | "options" | "start"> {
  close(): Promise<void>;
}

/** What a process of a player is told. */
export interface PlayerArguments {
  /** The example's module. */
  readonly file: string;
  readonly role: string;
  readonly name: string;
  readonly note: string;
  readonly url: string;
  readonly namespace: string;
}

/** What it tells. */
export type PlayerMessage<Message> =
  | { readonly kind: "open" }
  | { readonly kind: "told"; readonly message: Message };

/** Players of the example in `file`, in this process, on a store of their own. */
export function troupeInMemory(file: URL): Troupe {
  const store = createMemoryStore();
  const backend = memoryBackend({ store });
  const elsewhere = troupeOf(file, "memory:", "apart");
  return {
    engine: backend,
    options: {},
    async start<Message>(role: Role<Message>, name: string, options: StartOptions<Message> = {}) {
      if (options.apart === true) return elsewhere.start(role, name, options);
      const { hear, note = "" } = options;
      const runtime = pausableRuntime();
      const own = memoryBackend({ store, runtime, process: name });
      const life = new AbortController();
      const player: Player<Message> = {
        name,
        engine: own,
        options: { name },
        note,
        freeze: () => runtime.freeze(),
        killed: life.signal,
        async tell(message) {
          if (!life.signal.aborted) hear?.(message);
        },
      };
      const part = await role(player);
      return {
        name,
        wake: () => runtime.thaw(),
        async kill() {
          life.abort();
          await cutOff(own);
          // A process would be gone; this one has to put its things away.
          part.close()?.catch(() => {});
        },
        async close() {
          await part.close();
          await own.close();
        },
      };
    },
    async close() {
      await elsewhere.close();
      await backend.close();
    },
  };
}

/** Players of the example in `file`, each a process that connects to `url`. */
export function troupeOf(file: URL, url: string, namespace: string): Troupe {
  const children = new Set<ChildProcess>();
  let joining: ReturnType<typeof joinSources> | undefined;
  const join = (): ReturnType<typeof joinSources> =>
    (joining ??= joinSources({
      example: fileURLToPath(file),
      player: fileURLToPath(new URL("./player.worker.ts", import.meta.url)),
    }));
  return {
    engine: url,
    options: { namespace },
    async start<Message>(role: Role<Message>, name: string, options: StartOptions<Message> = {}) {
      const { hear, note = "" } = options;
      const joined = await join();
      const example = joined.urlOf("example").href;
      const told: PlayerArguments = { file: example, role: role.name, name, note, url, namespace };
      const child = forkModule(joined.urlOf("player"), told);
      children.add(child);
      const living: Living = { isKilled: false };
      const exited = endOf(child);
      const isOpen = await Promise.race([opening(child, living, hear), exited.then(() => false)]);
      if (!isOpen) throw new Error(`${name} did not open`);
      return actorOf(name, child, { living, exited });
    },
    async close() {
      // Those whose story broke off while they were starting.
      for (const child of children) child.kill("SIGKILL");
      (await joining)?.remove();
    },
  };
}

interface Living {
  isKilled: boolean;
}

/** Resolves when it has ended and all that it said was heard. */
async function endOf(child: ChildProcess): Promise<void> {
  await Promise.all([once(child, "exit"), once(child, "disconnect")]);
}

/** Passes on what a child tells; resolves once it is open. */
function opening(
  child: ChildProcess,
  living: Living,
  hear: ((message: never) => void) | undefined,
): Promise<true> {
  return new Promise((resolve) => {
    child.on("message", (message: PlayerMessage<never>) => {
      if (message.kind === "open") resolve(true);
      // The dead say nothing, but a message may have been on its way.
      else if (!living.isKilled) hear?.(message.message);
    });
  });
}

function actorOf(
  name: string,
  child: ChildProcess,
  { living, exited }: { readonly living: Living; readonly exited: Promise<void> },
): Actor {
  return {
    name,
    wake: () => void child.kill("SIGCONT"),
    async kill() {
      living.isKilled = true;
      child.kill("SIGKILL");
      await exited;
    },
    async close() {
      if (child.connected) child.send("close");
      await exited;
    },
  };
}
