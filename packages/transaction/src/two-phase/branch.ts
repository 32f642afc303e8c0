/**
 * Branches: one participant's part of one transaction, and its name on a server.
 *
 *     quorate:<name>/<realm>/<id>/<tag>/<participant>
 *
 * The name is all that a crash leaves in a database, so it says whom to ask. `realm` is the store
 * that knows the decision: two deployments that share a database, or a store that was emptied, must
 * not presume for each other. `tag` is the run: an order of an earlier run of the same id that
 * arrives late finds nothing.
 *
 * Guarantees: injective; fewer than PostgreSQL's 200 bytes; of `[0-9A-Za-z_:=/-]` only, so it can
 * stand between quotes whatever the id has in it.
 */
import { checkName, decodeName, encodeName, invalidArgument, QuorateError } from "@quorate/core";

/** Names one branch. */
export interface Branch {
  /** Of the `TwoPhase`. */
  readonly name: string;
  /** Of the store. */
  readonly realm: string;
  /** Of the transaction. */
  readonly id: string;
  /** Of the run: random. */
  readonly tag: string;
  readonly participant: string;
}

/** Before every name that we give to something on a server. */
export const BRANCH_PREFIX = "quorate:";
/** Longest name of a `TwoPhase`, in bytes when escaped. */
export const MAX_REALM_NAME_BYTES = 24;
/** Longest id of a transaction, in bytes when escaped. */
export const MAX_ID_BYTES = 96;
/** Longest name of a participant, in bytes when escaped. */
export const MAX_PARTICIPANT_BYTES = 32;
/** Length of a realm and of a tag, in hexadecimal digits. */
export const REALM_LENGTH = 16;
export const TAG_LENGTH = 12;

const HEX = /^[0-9a-f]+$/;

/** The branch's name on a server. */
export function branchName(branch: Branch): string {
  return BRANCH_PREFIX + encodeName(pathOf(branch));
}

/** What the names of all branches of this `name` begin with, whatever their realm. */
export function branchPrefix(name: string): string {
  return `${BRANCH_PREFIX}${encodeName(name)}/`;
}

/** Reverses `branchName`; `undefined` for what it never makes. */
export function parseBranchName(text: string): Branch | undefined {
  if (!text.startsWith(BRANCH_PREFIX)) return undefined;
  const path = decodeName(text.slice(BRANCH_PREFIX.length));
  const [name, realm, id, tag, participant, ...more] = path?.split("/") ?? [];
  if (name === undefined || realm === undefined || id === undefined) return undefined;
  if (tag === undefined || participant === undefined || more.length > 0) return undefined;
  if (!isHex(realm, REALM_LENGTH) || !isHex(tag, TAG_LENGTH)) return undefined;
  return { name, realm, id, tag, participant };
}

/** Whether `text` has `length` hexadecimal digits, as tags and realms have. */
export function isHex(text: unknown, length: number): text is string {
  return typeof text === "string" && text.length === length && HEX.test(text);
}

/** `value` if it is one segment of a name of at most `limit` bytes when escaped. */
export function checkSegment(option: string, value: string, limit: number): string {
  checkName(option, value);
  if (value.includes("/")) throw invalidArgument(option, value, "free of '/'");
  const size = encodeName(value).length;
  if (size <= limit) return value;
  const message = `${option} has ${size} bytes when escaped, at most ${limit} are allowed`;
  const details = { option, size, limit };
  throw new QuorateError("TOO_LARGE", message, { effect: "none", details });
}

function pathOf({ name, realm, id, tag, participant }: Branch): string {
  return `${name}/${realm}/${id}/${tag}/${participant}`;
}
