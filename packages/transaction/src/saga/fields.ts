/**
 * Foreign JSON, field by field: each is what it must be, or the whole record is none of ours.
 */
import type { Json } from "@quorate/core";

/** Reads one part. */
export type Reader<T> = (fields: Fields) => T;

/** An object of foreign JSON. Its reads throw a RangeError that names the field. */
export class Fields {
  readonly #what: string;
  readonly #fields: { readonly [key: string]: Json };

  constructor(what: string, value: Json | undefined) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new RangeError(`${what} is no object`);
    }
    this.#what = what;
    this.#fields = value as { readonly [key: string]: Json };
  }

  /** Whatever is there. */
  raw(name: string): Json | undefined {
    return this.#fields[name];
  }

  text(name: string): string {
    const value = this.#fields[name];
    if (typeof value === "string") return value;
    throw this.#problem(name, "a text");
  }

  number(name: string): number {
    const value = this.#fields[name];
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw this.#problem(name, "a number");
  }

  /** A whole number that is not negative. */
  count(name: string): number {
    const value = this.#fields[name];
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
    throw this.#problem(name, "a count");
  }

  /** True, or absent. */
  flag(name: string): true | undefined {
    const value = this.#fields[name];
    if (value === undefined || value === false) return undefined;
    if (value === true) return true;
    throw this.#problem(name, "a flag");
  }

  optional(name: string, kind: "text"): string | undefined;
  optional(name: string, kind: "number"): number | undefined;
  optional(name: string, kind: "text" | "number"): string | number | undefined {
    return this.#fields[name] === undefined ? undefined : this[kind](name);
  }

  oneOf<const T extends string>(name: string, values: readonly T[]): T {
    const value = this.#fields[name];
    if (values.includes(value as T)) return value as T;
    throw this.#problem(name, `one of ${values.join(", ")}`);
  }

  optionalOneOf<const T extends string>(name: string, values: readonly T[]): T | undefined {
    return this.#fields[name] === undefined ? undefined : this.oneOf(name, values);
  }

  part<T>(name: string, read: Reader<T>): T | undefined {
    const value = this.#fields[name];
    return value === undefined ? undefined : read(new Fields(name, value));
  }

  items<T>(name: string, read: Reader<T>): T[] {
    const value = this.#fields[name];
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw this.#problem(name, "a list");
    return (value as Json[]).map((item) => read(new Fields(name, item)));
  }

  map<T>(name: string, read: Reader<T>): Map<string, T> {
    const value = this.#fields[name];
    if (value === undefined) return new Map();
    const entries = new Fields(name, value).#fields;
    return new Map(
      Object.entries(entries).map(([key, item]) => [key, read(new Fields(key, item))]),
    );
  }

  #problem(name: string, expected: string): RangeError {
    return new RangeError(`${name} of ${this.#what} is not ${expected}`);
  }
}
