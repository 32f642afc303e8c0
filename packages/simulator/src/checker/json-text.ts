/**
 * JSON values as text, the same for equal values whatever the order of their keys: identities of
 * states and operations must not depend on who serialised them.
 */

/** Text of a JSON value, keys sorted. Equal values, equal texts. */
export function jsonText(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  const keys = Object.keys(value).sort();
  const fields = keys.map((key) => {
    const item = (value as Record<string, unknown>)[key];
    return item === undefined ? "" : `${JSON.stringify(key)}:${jsonText(item)}`;
  });
  return `{${fields.filter((field) => field !== "").join(",")}}`;
}

/** Whether two JSON values are equal. */
export function sameJson(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  const primitive = typeof one !== "object" || typeof other !== "object";
  return !primitive && jsonText(one) === jsonText(other);
}
