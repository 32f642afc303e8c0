/**
 * Fingerprints: 128 bits by which processes see that they place keys alike.
 *
 * The digest covers the algorithm and its version, its settings and every node, in one encoding
 * in which no two different inputs look alike (JSON arrays: quotes keep `["ab"]` and `["a","b"]`
 * apart). It is cut from SHA-256, so that nobody can make two different rings look equal.
 */
import { createHash } from "node:crypto";

import type { PlacedNode } from "./placement.ts";

/** 32 hex digits for `algorithm` (with its version: `"ring/1"`), its settings and its nodes. */
export function fingerprintOf(
  algorithm: string,
  settings: readonly (string | number)[],
  nodes: readonly PlacedNode[],
): string {
  const rows = nodes.map(({ id, weight, zone }) => [id, weight, zone ?? null]);
  const text = JSON.stringify([algorithm, settings, rows]);
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
