/**
 * What an instance says of itself in its lease, besides where it is.
 *
 * Written by one process and read by many, some of them older and some newer, so it is foreign
 * input: bounded before it is parsed, each field checked, unknown fields ignored.
 */
import { type Json, parseJson } from "@quorate/core";
import { valid } from "semver";

import type { Endpoint } from "../endpoint.ts";

const FORMAT = 1;
const MAX_RECORD_BYTES = 2_048;
const MAX_ZONE_BYTES = 128;
/** Beyond, sums of weights would lose their small parts. */
export const MAX_WEIGHT = 1_000_000;
/** Longest time to warm up. */
export const MAX_WARM_UP_MS = 3_600_000;

/** What an instance says. */
export type InstanceRecord = Pick<Endpoint, "version" | "zone" | "weight" | "warmUpMs" | "state">;

/** A record as it was found. */
export type FoundRecord =
  | { readonly ok: true; readonly record: InstanceRecord }
  | { readonly ok: false; readonly reason: string };

/** The text in a lease. */
export function encodeRecord(record: InstanceRecord): string {
  const { version, zone, weight, warmUpMs, state } = record;
  return JSON.stringify({ v: FORMAT, version, zone, weight, warmUpMs, state });
}

/** Reads the text of a lease. */
export function decodeRecord(text: string): FoundRecord {
  const bounds = { maxBytes: MAX_RECORD_BYTES, maxDepth: 8, maxNodes: 64 };
  const parsed = parseJson(text, bounds);
  if (!parsed.ok) return parsed;
  const { value } = parsed;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { ok: false, reason: "not an object" };
  }
  const { v, version, zone, weight, warmUpMs, state } = value as { readonly [key: string]: Json };
  if (v !== FORMAT) return { ok: false, reason: "another format" };
  if (!isVersion(version)) return { ok: false, reason: "version" };
  if (!isZone(zone)) return { ok: false, reason: "zone" };
  if (!isUpTo(weight, MAX_WEIGHT)) return { ok: false, reason: "weight" };
  if (!isUpTo(warmUpMs, MAX_WARM_UP_MS)) return { ok: false, reason: "warmUpMs" };
  if (state !== "up" && state !== "draining") return { ok: false, reason: "state" };
  return { ok: true, record: { version, zone, weight, warmUpMs, state } };
}

/** A version as semver.org writes it, without a leading `v` or blanks. */
export function isVersion(version: unknown): version is string {
  return typeof version === "string" && version.length <= 256 && isPlain(version);
}

/** A zone's name, or none. */
export function isZone(zone: unknown): zone is string {
  if (typeof zone !== "string" || !zone.isWellFormed()) return false;
  return Buffer.byteLength(zone) <= MAX_ZONE_BYTES;
}

/** As it is parsed, but for the build metadata, which is part of a version and of no comparison. */
function isPlain(version: string): boolean {
  const found = valid(version);
  if (found === null || !version.startsWith(found)) return false;
  return version.length === found.length || version[found.length] === "+";
}

function isUpTo(value: unknown, max: number): value is number {
  return typeof value === "number" && value >= 0 && value <= max;
}
