/**
 * Whose share an orphan is, when many workers see it at once.
 *
 * Every worker ranks the live workers by a hash of worker and instance; the highest takes it, the
 * others wait a little and look again. Nobody has to agree: where their lists differ, two may try,
 * and the compare-and-set lets one through.
 *
 * Thaler, Ravishankar, "A Name-Based Mapping Scheme for Rendezvous", 1996. The hash is FNV-1a with
 * a final mix.
 */

/** Whether `self` ranks highest for `id` among `owners` and itself. */
export function isOwnShare(id: string, self: string, owners: Iterable<string>): boolean {
  const own = rank(self, id);
  for (const other of owners) {
    if (other !== self && rank(other, id) > own) return false;
  }
  return true;
}

function rank(owner: string, id: string): number {
  let hash = 0x811c9dc5;
  for (const text of [owner, id]) {
    for (let index = 0; index < text.length; index += 1) {
      hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    }
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
  return (hash ^ (hash >>> 15)) >>> 0;
}
