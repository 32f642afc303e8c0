/**
 * Text that is safe anywhere in HTML, in and out of quotes.
 */

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&#39;"],
  ["`", "&#96;"],
]);

/** `text` as HTML that shows it and means nothing else; control characters become visible. */
export function escapeHtml(text: string): string {
  return text
    .replace(/[&<>"'`]/g, (found) => ENTITIES.get(found) ?? "")
    .replace(/\p{Cc}/gu, "\u{FFFD}");
}
