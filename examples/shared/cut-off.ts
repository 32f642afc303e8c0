/**
 * The end of a process that shares its process with others.
 */
import type { MemoryBackend } from "@quorate/memory";

/** To everybody else this is what a dead process looks like: nothing more comes from it. */
export async function cutOff(backend: MemoryBackend): Promise<void> {
  backend.faults.cut();
  await backend.close({ graceMs: 0 });
}
