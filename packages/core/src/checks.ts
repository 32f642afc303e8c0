/**
 * Checks of options and invariants: a caller's mistake throws at once and names the option and
 * the value; a mistake of ours is a broken invariant.
 */
import { QuorateError } from "./errors/quorate-error.ts";

const LONGEST_SHOWN = 64;

/** A value as it may stand in a message: short, on one line, quotes around strings. */
export function show(value: unknown): string {
  const text = typeof value === "string" ? quoted(value) : plain(value);
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}

/** Cut before it is quoted: the value may be as long as a caller's mistake can make it. */
function quoted(value: string): string {
  return JSON.stringify(value.length > LONGEST_SHOWN ? `${value.slice(0, LONGEST_SHOWN)}…` : value);
}

function plain(value: unknown): string {
  if (Array.isArray(value)) return `array of ${value.length}`;
  if (typeof value === "object" && value !== null) return "object";
  return typeof value === "function" ? "function" : String(value);
}

/** The error for `option` being `value` where `expected` was needed. Effect `none`. */
export function invalidArgument(
  option: string,
  value: unknown,
  expected: string,
): QuorateError<"INVALID_ARGUMENT"> {
  const details = { option, value: show(value) };
  const message = `${option} must be ${expected}, got ${details.value}`;
  return new QuorateError("INVALID_ARGUMENT", message, { effect: "none", details });
}

/** `value` if it is a finite number above zero. */
export function positive(option: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw invalidArgument(option, value, "a finite number > 0");
}

/** `value` if it is a finite number, zero or above. */
export function nonNegative(option: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw invalidArgument(option, value, "a finite number >= 0");
}

/** `value` if it is a safe integer above zero. */
export function positiveInteger(option: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw invalidArgument(option, value, "an integer > 0");
}

/** `value` if it lies in [`min`, `max`]. */
export function inRange(option: string, value: number, min: number, max: number): number {
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw invalidArgument(option, value, `a number from ${min} to ${max}`);
}

/** A TTL in whole milliseconds; a century is the longest that every engine can hold. */
export function ttl(option: string, value: number, minMs = 1): number {
  const longestMs = 3_155_760_000_000;
  if (Number.isFinite(value) && value >= minMs && value <= longestMs) return Math.ceil(value);
  throw invalidArgument(option, value, `a duration from ${minMs} to ${longestMs} ms`);
}

/** `value` if it is a string of 1 to `maxBytes` bytes of well-formed UTF-8. */
export function boundedString(option: string, value: string, maxBytes: number): string {
  const whole = typeof value === "string" && value !== "" && value.isWellFormed();
  if (whole && Buffer.byteLength(value) <= maxBytes) return value;
  throw invalidArgument(option, value, `a well-formed string of 1 to ${maxBytes} bytes`);
}

/** A fencing token, revision or other position: a safe integer above zero. */
export function position(option: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw invalidArgument(option, value, "a safe integer > 0");
}

/** `value` if it is true or false. */
export function boolean(option: string, value: boolean): boolean {
  if (typeof value === "boolean") return value;
  throw invalidArgument(option, value, "true or false");
}

/** `value` if it is a function. */
export function callable<F>(option: string, value: F): F {
  if (typeof value === "function") return value;
  throw invalidArgument(option, value, "a function");
}

/** An options object whose every key is known; a misspelt option must not be ignored. */
export function knownOptions<T extends object>(
  what: string,
  options: T,
  names: readonly (keyof T & string)[],
): T {
  if (typeof options !== "object" || options === null) {
    throw invalidArgument(what, options, "an object of options");
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name as keyof T & string)) continue;
    throw invalidArgument(`${what}.${name}`, "unknown", `one of ${names.join(", ")}`);
  }
  return options;
}

/** Throws when what cannot be false is: a defect of Quorate, never of the caller. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`quorate: broken invariant: ${message}`);
}
