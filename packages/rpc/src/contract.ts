/**
 * A contract: what a service can be asked, said once, for both sides.
 *
 * It is a value, not generated code: schemas of any library that speaks Standard Schema, checked
 * in this process before a call is sent and in the other before it runs, so that neither believes
 * the other. What travels is JSON of what the sender's schema made, and the receiver's schema is
 * asked about that: so a schema must accept what it makes (coercions and defaults do, a transform
 * to another shape does not, and does not compile).
 *
 * Two versions of one major number talk to each other: a server may know more methods than its
 * caller, and says CONTRACT_MISMATCH of those that it does not know.
 */
import { checkName, invalidArgument, isInputSchema, knownOptions, positive } from "@quorate/core";
import type { Effect, InputSchema, Ms, Parsed } from "@quorate/core";
import { parserOf } from "@quorate/core";
import type { Repeat } from "@quorate/resilience";
import type {
  CheckedMethods,
  Contract,
  ErrorSpec,
  Methods,
  MethodSpec,
  ReservedName,
} from "./contract-types.ts";

/** Asks a schema. */
export type Parse = (value: unknown) => Parsed | Promise<Parsed>;

/** An error of a method, ready to use. */
export interface MethodError {
  readonly data: Parse;
  readonly effect: Effect;
}

/** A method, ready to use. */
export interface Method {
  readonly name: string;
  readonly kind: "unary" | "stream";
  readonly repeat: Repeat;
  readonly timeoutMs: Ms | undefined;
  readonly attemptTimeoutMs: Ms | undefined;
  readonly input: Parse;
  /** Of the output, or of one item. */
  readonly output: Parse;
  readonly errors: ReadonlyMap<string, MethodError>;
}

const RESERVED: ReadonlySet<string> = new Set<ReservedName>([
  "then",
  "catch",
  "finally",
  "close",
  "stats",
  "on",
  "contract",
  "constructor",
  "prototype",
  "hasOwnProperty",
  "isPrototypeOf",
  "propertyIsEnumerable",
  "toJSON",
  "toLocaleString",
  "toString",
  "valueOf",
]);
const WORD = /^[A-Za-z][0-9A-Za-z_]{0,63}$/;
/** Codes of ours and `internal` stand where an error's name does. */
const TAKEN_ERROR = /^(?:internal|[A-Z][0-9A-Z_]+)$/;
const VERSION = /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(?:-[0-9A-Za-z.-]{1,64})?$/;
const MAX_METHODS = 1_000;
const METHOD_OPTIONS = [
  "input",
  "output",
  "items",
  "errors",
  "repeat",
  "timeoutMs",
  "attemptTimeoutMs",
] as const;

const compiled = new WeakMap<Contract, ReadonlyMap<string, Method>>();

/**
 * Declares what a service can be asked.
 *
 * `name` is one segment of a subject; `version` is `major.minor.patch`. A method's name is a word
 * of letters, digits and `_`, and none that clients have already (`close`, `stats`, `then`, …).
 *
 * @throws INVALID_ARGUMENT a name, a version, a schema or an option is not what it must be.
 * @example
 * import { contract } from "@quorate/rpc";
 * import { z } from "zod";
 * const Payments = contract("payments", "1.2.0", {
 *   charge: {
 *     input: z.object({ order: z.string(), cents: z.int() }),
 *     output: z.object({ receipt: z.string() }),
 *     errors: { CardDeclined: z.object({ by: z.string() }) },
 *     repeat: "keyed",
 *   },
 * });
 * console.log(Payments.major); // => 1
 */
export function contract<const M extends Methods>(
  name: string,
  version: string,
  methods: M & CheckedMethods<M>,
): Contract<M> {
  if (checkName("name", name).includes("/")) {
    throw invalidArgument("name", name, "one segment, free of '/'");
  }
  const major = VERSION.exec(version)?.[1];
  if (major === undefined) throw invalidArgument("version", version, "a version as 1.4.0");
  if (typeof methods !== "object" || methods === null) {
    throw invalidArgument("methods", methods, "an object of methods");
  }
  const names = Object.keys(methods);
  if (names.length === 0 || names.length > MAX_METHODS) {
    throw invalidArgument("methods", names.length, `1 to ${MAX_METHODS} methods`);
  }
  const ready = new Map<string, Method>();
  for (const one of names) ready.set(one, compile(one, (methods as Methods)[one] as MethodSpec));
  const made: Contract<M> = Object.freeze({ name, version, major: Number(major), methods });
  compiled.set(made, ready);
  return made;
}

/** The methods of a contract, ready to use; `INVALID_ARGUMENT` for what `contract` did not make. */
export function methodsOf(made: Contract): ReadonlyMap<string, Method> {
  const methods = compiled.get(made);
  if (methods === undefined) throw invalidArgument("contract", made, "made by contract()");
  return methods;
}

function compile(name: string, spec: MethodSpec): Method {
  if (!WORD.test(name)) {
    throw invalidArgument("methods", name, "names of letters, digits and '_', 64 at most");
  }
  if (RESERVED.has(name)) {
    throw invalidArgument("methods", name, "names that clients do not have already");
  }
  knownOptions(name, spec, METHOD_OPTIONS);
  const { output, items, repeat = "unsafe" } = spec;
  if ((output === undefined) === (items === undefined)) {
    throw invalidArgument(`${name}.output`, output, "a schema, or items instead of it");
  }
  const kind = items === undefined ? "unary" : "stream";
  if (!["safe", "keyed", "unsafe"].includes(repeat) || (kind === "stream" && repeat === "keyed")) {
    const words = kind === "stream" ? '"safe" or "unsafe"' : '"safe", "keyed" or "unsafe"';
    throw invalidArgument(`${name}.repeat`, repeat, words);
  }
  return {
    name,
    kind,
    repeat,
    timeoutMs: duration(`${name}.timeoutMs`, spec.timeoutMs),
    attemptTimeoutMs: duration(`${name}.attemptTimeoutMs`, spec.attemptTimeoutMs),
    input: parse(`${name}.input`, spec.input),
    output: parse(`${name}.${kind === "unary" ? "output" : "items"}`, output ?? items),
    errors: compileErrors(name, spec.errors ?? {}),
  };
}

function compileErrors(
  method: string,
  errors: Readonly<Record<string, ErrorSpec>>,
): ReadonlyMap<string, MethodError> {
  const ready = new Map<string, MethodError>();
  for (const [name, spec] of Object.entries(errors)) {
    const option = `${method}.errors`;
    if (!WORD.test(name) || TAKEN_ERROR.test(name)) {
      throw invalidArgument(option, name, "names as CardDeclined; codes of ours are taken");
    }
    const isBare = isInputSchema(spec);
    if (!isBare) knownOptions(`${option}.${name}`, spec, ["data", "effect"]);
    const { data, effect = "none" } = isBare ? { data: spec } : spec;
    if (!["none", "unknown", "applied"].includes(effect)) {
      throw invalidArgument(`${option}.${name}.effect`, effect, '"none", "unknown" or "applied"');
    }
    ready.set(name, { data: parse(`${option}.${name}`, data), effect });
  }
  return ready;
}

function parse(option: string, schema: InputSchema | undefined): Parse {
  if (isInputSchema(schema)) return parserOf(schema);
  throw invalidArgument(option, schema, "a schema (Standard Schema version 1) or a function");
}

function duration(option: string, value: Ms | undefined): Ms | undefined {
  return value === undefined ? undefined : positive(option, value);
}
