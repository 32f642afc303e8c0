/**
 * Child processes of ours, which never outlive this process.
 */
import { type ChildProcess, fork } from "node:child_process";

const alive = new Set<ChildProcess>();
// One that has stopped itself would never see that its parent is gone.
process.once("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

/** Starts a TypeScript source, which is handed `options` as its only argument, in JSON. */
export function forkSource(file: URL, options: object): ChildProcess {
  return forkModule(file, options, ["--conditions", "@quorate/source", "--import", "tsx"]);
}

/** Starts a module that Node runs as it is. */
export function forkModule(
  file: URL,
  options: object,
  execArgv: readonly string[] = [],
): ChildProcess {
  const child = fork(file, [JSON.stringify(options)], { execArgv: [...execArgv] });
  alive.add(child);
  child.once("exit", () => alive.delete(child));
  return child;
}
