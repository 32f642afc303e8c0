/**
 * The shop on a server: every node is a process; one of them stops itself with SIGSTOP in the
 * middle of a write and is woken beyond its lease, another is killed in the middle of its orders.
 */
import type { ChildProcess } from "node:child_process";
import { on, once } from "node:events";
import type { Backend } from "@quorate/core";
import type { ClerkEvent } from "./clerk.ts";
import type {
  ClerkContract,
  HiredClerk,
  HiredDoor,
  HiredTill,
  Shop,
  ShopOptions,
} from "./embedded.ts";
import { forkSource } from "../shared/fork.ts";
import { connect, type ServerEngine } from "./engines.ts";
import type { NodeEvent } from "./node.ts";
import { untilOvertaken } from "./overtaken.ts";
import type { TillEvent } from "./till.ts";

/** Opens the shop on the server that the environment names. */
export async function openOnServer(
  engine: ServerEngine,
  namespace: string,
  { providerUrl }: ShopOptions,
): Promise<Shop> {
  const { backend, close } = await connect(engine, namespace);
  await backend.ready();
  return {
    backend,
    close,
    hireTill: (name, report) => hireTill({ engine, namespace, providerUrl, name }, report),
    hireDoor: (onOrder) => hireDoor({ engine, namespace }, onOrder),
    hireClerk: (contract) => hireClerk({ engine, namespace }, contract),
    async run(nodes, report) {
      const running = nodes.map((name, index) => {
        const fate = { unlucky: index === 1, isDoomed: index === 2 };
        const child = startNode({ engine, namespace, name, ...fate });
        return { name, child };
      });
      try {
        const ended = running.map((node) => follow(backend, node, report));
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

/** What every process of the shop is told. */
export interface WorkerArguments {
  readonly engine: ServerEngine;
  readonly namespace: string;
}

/** What a till is told. */
export interface TillArguments extends WorkerArguments {
  readonly name: string;
  readonly providerUrl: string;
}

/** What a node is told besides. */
export interface NodeArguments extends WorkerArguments {
  readonly name: string;
  readonly unlucky: boolean;
  readonly isDoomed: boolean;
}

/** What a clerk is told. */
export interface ClerkArguments extends WorkerArguments {
  readonly name: string;
}

/** What a clerk tells its parent. */
export type ClerkMessage = ClerkEvent | { readonly kind: "hired" };

/** What a till tells its parent. */
export type TillMessage = TillEvent | { readonly kind: "open" };

/** What a door tells its parent. */
export type DoorMessage =
  | { readonly kind: "open"; readonly port: number }
  | { readonly kind: "order" };

function startNode(node: NodeArguments): ChildProcess {
  return start("./worker.ts", node);
}

function start(file: string, options: WorkerArguments): ChildProcess {
  return forkSource(new URL(file, import.meta.url), options);
}

async function hireTill(
  options: TillArguments,
  report: (event: TillEvent) => void,
): Promise<HiredTill> {
  const child = start("./till.worker.ts", options);
  const exited = once(child, "exit");
  const opened = new Promise<true>((resolve) => {
    child.on("message", (message: TillMessage) => {
      if (message.kind === "open") resolve(true);
      else report(message);
    });
  });
  const isOpen = await Promise.race([opened, exited.then(() => false)]);
  if (!isOpen) throw new Error(`${options.name} did not open`);
  return partedFrom(child, exited);
}

/** How a process of ours ends: by a blow, or by a word. */
function partedFrom(child: ChildProcess, exited: Promise<unknown>): HiredTill {
  return {
    async crash() {
      child.kill("SIGKILL");
      await exited;
    },
    async close() {
      child.send("close");
      await exited;
    },
  };
}

async function hireDoor(options: WorkerArguments, onOrder: () => void): Promise<HiredDoor> {
  const child = start("./door.worker.ts", options);
  const exited = once(child, "exit");
  child.on("message", ({ kind }: DoorMessage) => kind === "order" && onOrder());
  const port = await Promise.race([portOf(child), exited.then(() => undefined)]);
  if (port === undefined) throw new Error("the door did not open");
  return { url: `http://127.0.0.1:${port}`, ...partedFrom(child, exited) };
}

async function hireClerk(options: WorkerArguments, contract: ClerkContract): Promise<HiredClerk> {
  const { name, report } = contract;
  const told: ClerkArguments = { ...options, name };
  const child = start("./clerk.worker.ts", told);
  const exited = once(child, "exit");
  const hired = new Promise<true>((resolve) => {
    child.on("message", (message: ClerkMessage) => {
      if (message.kind === "hired") resolve(true);
      else report(message).catch(() => {}); // What it says to one who is dead.
    });
  });
  const isHired = await Promise.race([hired, exited.then(() => false)]);
  if (!isHired) throw new Error(`${name} did not come`);
  return partedFrom(child, exited);
}

async function portOf(child: ChildProcess): Promise<number | undefined> {
  for await (const [message] of on(child, "message") as AsyncIterable<[DoorMessage]>) {
    if (message.kind === "open") return message.port;
  }
  return undefined;
}

async function ready(child: ChildProcess): Promise<void> {
  for await (const [event] of on(child, "message")) {
    if ((event as NodeEvent).kind === "ready") return;
  }
}

async function follow(
  backend: Backend,
  { name, child }: { readonly name: string; readonly child: ChildProcess },
  report: (node: string, event: NodeEvent) => void,
): Promise<void> {
  let isKilled = false;
  child.on("message", (event: NodeEvent) => {
    report(name, event);
    if (event.kind === "pausing") {
      void untilOvertaken(backend, event).then(() => child.kill("SIGCONT"));
    }
    if (event.kind === "dying") isKilled = child.kill("SIGKILL");
  });
  const [code, signal] = await once(child, "exit");
  if (code !== 0 && !isKilled)
    throw new Error(`${name} ended with ${signal ?? `exit code ${code}`}`);
}
