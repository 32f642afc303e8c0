/** Whether a process still runs. */
import { readFileSync } from "node:fs";

/** False for a zombie: it is dead, and only its parent (perhaps a slow init) has not looked yet. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return process.platform !== "linux"; // On Linux: it went between the two looks.
  }
}
