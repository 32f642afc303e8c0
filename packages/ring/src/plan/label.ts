/**
 * Ids as people may see them: harmless in a terminal, in a log and in a picture.
 *
 * An id is foreign text. A line break would forge a row of a table, an escape sequence would
 * colour the terminal, a direction override would swap what is read; so control and format
 * characters are shown by their numbers. Long ids are cut in the middle, for names differ at the
 * ends.
 */
const LONGEST = 40;
const HEAD = 27;
const TAIL = 12;

// Joiners stay: an emoji of several parts is one picture. Unassigned includes what XML forbids.
const INVISIBLE = /(?!\u200d)[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** `id` for display, at most about 40 characters; `(nobody)` for `undefined`. */
export function label(id: string | undefined): string {
  if (id === undefined) return "(nobody)";
  const letters = [...id];
  const short =
    letters.length > LONGEST
      ? `${letters.slice(0, HEAD).join("")}…${letters.slice(-TAIL).join("")}`
      : id;
  return short.replace(INVISIBLE, (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`);
}

/** `text` as XML character data or attribute value. */
export function xml(text: string): string {
  return text.replace(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`);
}

/** `share` in per cent: two digits, and never a 0 for something. */
export function percent(share: number): string {
  if (share > 0 && share < 0.00005) return "<0.01 %";
  return `${(share * 100).toFixed(2)} %`;
}
