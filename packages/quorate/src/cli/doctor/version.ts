/**
 * Versions as servers tell them: `7.0.15`, `v20.20.2`, `2.11.0-RC.3`.
 */

/** True when `version` is `than` or newer. What is no version is: nobody knows better. */
export function isAtLeast(version: string, than: readonly number[]): boolean {
  const parts = /^v?(\d{1,6}(?:\.\d{1,6}){0,2})/.exec(version)?.[1]?.split(".").map(Number);
  if (parts === undefined) return true;
  for (const [index, wanted] of than.entries()) {
    const part = parts[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
