/**
 * Writes JSON text in one pass, and refuses what JSON cannot say.
 *
 * `JSON.stringify` is silent about what it loses: a `Map` becomes `{}`, `NaN` and a hole become
 * `null`, a class becomes its fields. Under an idempotency key that silence joins two
 * requests into one, or gives the second caller another answer than the first. So here every such
 * value is an error which says where it stands and what to pass instead.
 *
 * JSON to this writer: null, booleans, finite numbers (-0 is 0), well-formed strings, arrays
 * without holes, and objects without a class, whatever their realm. One thing is forgiven, as it is
 * on every wire: a member that is `undefined` counts as absent. A getter is read, once. What is not
 * enumerable is not seen.
 *
 * Guarantees: bounded depth and length, so cycles and objects that share parts end; no value of
 * the payload in an error, only its place and kind. Does not guarantee anything of a `Proxy` that
 * answers otherwise the next time.
 */
import { inRange, positiveInteger, QuorateError } from "@quorate/core";

import { foreignKind, type Kind, kindOf } from "./canonical-kinds.ts";

/** Bounds of a text, and what its errors call the value. */
export interface CanonicalOptions {
  /** What messages call the value: `params` gives `params.items[3]`. @default "value" */
  readonly name?: string;
  /** Objects and arrays inside each other, 1 to 500. @default 64 */
  readonly maxDepth?: number;
  /** Length of the text in UTF-16 units. @default 1048576 */
  readonly maxLength?: number;
}

/** In the order in which the members stand, or in that of RFC 8785. */
export type MemberOrder = "as given" | "sorted";

/** Everything that a quoted string cannot hold as it is, and surrogates, which need a look. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const NEEDS_CARE = /["\\\u0000-\u001f\ud800-\udfff]/;
const IDENTIFIER = /^[A-Za-z_$][\w$]{0,63}$/;
const LONGEST_PATH = 200;
/** Up to here sorting by insertion beats the sort of the engine. */
const FEW_KEYS = 16;

type Key = string | number;

/** One use writes one text. */
export class CanonicalWriter {
  readonly #name: string;
  readonly #maxDepth: number;
  readonly #maxLength: number;
  readonly #sorted: boolean;
  /** Keys from the top to the container at work; and the containers, to tell cycles. */
  readonly #path: Key[] = [];
  readonly #containers: object[] = [];

  constructor(order: MemberOrder, options: CanonicalOptions = {}) {
    this.#sorted = order === "sorted";
    this.#name = options.name ?? "value";
    // The writer recurses: a bound beyond the stack would be none.
    this.#maxDepth = inRange("maxDepth", options.maxDepth ?? 64, 1, 500);
    this.#maxLength = positiveInteger("maxLength", options.maxLength ?? 1_048_576);
  }

  /** The text of `value`. @throws INVALID_ARGUMENT it is not JSON. @throws TOO_LARGE */
  write(value: unknown): string {
    return this.#within(this.#any(value, undefined));
  }

  #any(value: unknown, key: Key | undefined): string {
    if (typeof value === "string") return this.#string(value, key);
    if (typeof value === "number" && Number.isFinite(value)) return `${value}`;
    if (typeof value === "object" && value !== null) return this.#container(value, key);
    if (value === null) return "null";
    if (typeof value === "boolean") return value ? "true" : "false";
    throw this.#refusal(key, kindOf(value));
  }

  #container(value: object, key: Key | undefined): string {
    if (key !== undefined) this.#path.push(key);
    if (this.#containers.length >= this.#maxDepth) throw this.#tooDeep(value);
    this.#containers.push(value);
    const text = Array.isArray(value) ? this.#array(value) : this.#object(value);
    this.#containers.pop();
    if (key !== undefined) this.#path.pop();
    return text;
  }

  #array(items: readonly unknown[]): string {
    const foreign = foreignKind(items);
    if (foreign !== undefined) throw this.#refusal(undefined, foreign);
    let text = "[";
    for (let index = 0; index < items.length; index++) {
      if (index > 0) text += ",";
      text += this.#any(items[index], index);
      this.#within(text);
    }
    return `${text}]`;
  }

  #object(value: object): string {
    const foreign = foreignKind(value);
    if (foreign !== undefined) throw this.#refusal(undefined, foreign);
    const members = value as Readonly<Record<string, unknown>>;
    const keys = Object.keys(members);
    if (this.#sorted) sort(keys);
    let text = "{";
    for (const key of keys) {
      const member = members[key];
      if (member === undefined) continue;
      if (text.length > 1) text += ",";
      text += `${this.#string(key, key)}:${this.#any(member, key)}`;
      this.#within(text);
    }
    return `${text}}`;
  }

  #string(value: string, key: Key | undefined): string {
    this.#within(value);
    if (!NEEDS_CARE.test(value)) return `"${value}"`;
    if (value.isWellFormed()) return JSON.stringify(value);
    throw this.#refusal(key, {
      is: "a string with half a surrogate pair",
      cure: "pass well-formed text (toWellFormed()), or bytes as base64",
    });
  }

  /** Asked after every piece: a text must not grow much beyond its bound before it is refused. */
  #within(text: string): string {
    if (text.length <= this.#maxLength) return text;
    const limit = this.#maxLength;
    const message = `${this.#name} is over ${limit} characters as JSON: pass less, or a hash of it`;
    const details = { option: this.#name, size: text.length, limit };
    throw new QuorateError("TOO_LARGE", message, { effect: "none", details });
  }

  #tooDeep(value: object): QuorateError<"INVALID_ARGUMENT"> {
    const cycle = this.#containers.includes(value);
    const is = cycle ? "an object inside itself" : `nested deeper than ${this.#maxDepth}`;
    return this.#refusal(undefined, { is, cure: "pass a tree, as flat as may be" });
  }

  #refusal(key: Key | undefined, kind: Kind): QuorateError<"INVALID_ARGUMENT"> {
    const path = pathOf(this.#name, key === undefined ? this.#path : [...this.#path, key]);
    const message = `${path} must be JSON, but is ${kind.is}: ${kind.cure}`;
    const details = { option: path, value: kind.is };
    return new QuorateError("INVALID_ARGUMENT", message, { effect: "none", details });
  }
}

/** By UTF-16 units, as RFC 8785 says and `<` does. */
function sort(keys: string[]): void {
  if (keys.length > FEW_KEYS) {
    // No comparer: the default is the order wanted, and native.
    keys.sort();
    return;
  }
  for (let sorted = 1; sorted < keys.length; sorted++) {
    const key = keys[sorted] as string;
    let at = sorted;
    for (; at > 0 && (keys[at - 1] as string) > key; at--) keys[at] = keys[at - 1] as string;
    keys[at] = key;
  }
}

/** `params.items[3]["odd key"]`, cut where it grows long: keys are foreign, too. */
function pathOf(name: string, keys: readonly Key[]): string {
  let path = name;
  for (const key of keys) {
    if (typeof key === "number") path += `[${key}]`;
    else path += IDENTIFIER.test(key) ? `.${key}` : `[${JSON.stringify(key.slice(0, 64))}]`;
    if (path.length > LONGEST_PATH) return `${path.slice(0, LONGEST_PATH)}…`;
  }
  return path;
}
