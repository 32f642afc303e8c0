/**
 * The shop on a server: every node is a process; one of them stops itself with SIGSTOP in the
 * middle of a write and is woken beyond its lease.
 */
import { type ChildProcess, fork } from "node:child_process";
import { on, once } from "node:events";
import { sleep, systemRuntime } from "@quorate/core";
import type { Shop } from "./embedded.ts";
import { connect, type ServerEngine } from "./engines.ts";
import type { NodeEvent } from "./node.ts";
import { PAUSE_MS } from "./shop.ts";

/** Opens the shop on the server that the environment names. */
export async function openOnServer(engine: ServerEngine, namespace: string): Promise<Shop> {
  const { backend, close } = await connect(engine, namespace);
  await backend.ready();
  return {
    backend,
    close,
    async run(nodes, report) {
      const running = nodes.map((name, index) => {
        const child = startNode({ engine, namespace, name, unlucky: index === 1 });
        return { name, child };
      });
      try {
        const ended = running.map(({ name, child }) => follow(name, child, report));
        // Together: a node that is still starting could find the shelves empty.
        await Promise.race([Promise.all(running.map(({ child }) => ready(child))), ...ended]);
        for (const { child } of running) child.send("begin");
        await Promise.all(ended);
      } finally {
        // By the handle of each child of ours; one that has ended ignores it.
        for (const { child } of running) child.kill("SIGKILL");
      }
    },
  };
}

interface NodeArguments {
  readonly engine: ServerEngine;
  readonly namespace: string;
  readonly name: string;
  readonly unlucky: boolean;
}

function startNode(node: NodeArguments): ChildProcess {
  const worker = new URL("./worker.ts", import.meta.url);
  return fork(worker, [JSON.stringify(node)], {
    execArgv: ["--conditions", "@quorate/source", "--import", "tsx"],
  });
}

async function ready(child: ChildProcess): Promise<void> {
  for await (const [event] of on(child, "message")) {
    if ((event as NodeEvent).kind === "ready") return;
  }
}

async function follow(
  name: string,
  child: ChildProcess,
  report: (node: string, event: NodeEvent) => void,
): Promise<void> {
  child.on("message", (event: NodeEvent) => {
    report(name, event);
    if (event.kind === "pausing") void wake(child);
  });
  const [code, signal] = await once(child, "exit");
  if (code !== 0) throw new Error(`${name} ended with ${signal ?? `exit code ${code}`}`);
}

async function wake(child: ChildProcess): Promise<void> {
  await sleep(systemRuntime, PAUSE_MS);
  child.kill("SIGCONT");
}
