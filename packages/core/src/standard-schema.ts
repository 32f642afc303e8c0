/**
 * Whatever checks a value: a schema of any library that speaks Standard Schema, or a function.
 *
 * The type below is the part of Standard Schema version 1 that is needed to ask a schema about a
 * value, so that zod, valibot, arktype and their like fit without being imported here.
 *
 * Guarantees: never throws and never rejects; what a schema says of a bad value comes back as a
 * short text. Does not guarantee that this text is free of the value: that is up to the schema.
 *
 * Standard Schema, https://standardschema.dev (version 1).
 */
const MAX_ISSUES = 5;
const MAX_ISSUE_CHARACTERS = 200;

/** A schema of any library that speaks Standard Schema, version 1. */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** What the standard prescribes; the schema's library fills it in. */
  readonly "~standard": {
    readonly version: 1;
    /** The library's name. */
    readonly vendor: string;
    /** Checks `value`, and makes of it what the schema says. */
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    /** Only types: never there when the program runs. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema says of a value. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** One thing that is wrong with a value, and where. */
export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a schema makes of a value: the value as it says, or a short text of what is wrong. */
export type Parsed =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issues: string };

/** A schema of any library, or a function that returns the value or throws. */
export type InputSchema = StandardSchema | ((input: never) => unknown);

/** What has to be handed to the schema. */
export type SchemaInput<S> = S extends {
  readonly "~standard": { readonly types?: { readonly input: infer Input } | undefined };
}
  ? Input
  : S extends (input: infer Input) => infer Output
    ? unknown extends Input
      ? Awaited<Output>
      : Input
    : never;

/** What the schema makes of it. */
export type SchemaOutput<S> = S extends {
  readonly "~standard": { readonly types?: { readonly output: infer Output } | undefined };
}
  ? Output
  : S extends (input: never) => infer Output
    ? Awaited<Output>
    : never;

/** Whether `value` can be asked as `InputSchema` promises. */
export function isInputSchema(value: unknown): value is InputSchema {
  if (typeof value !== "object" && typeof value !== "function") return false;
  if (value === null) return false;
  return typeof value === "function" || typeof standardOf(value)?.validate === "function";
}

/** The schema as one function of `unknown`, whichever of the two it is. */
export function parserOf(schema: InputSchema): (input: unknown) => Parsed | Promise<Parsed> {
  // Some libraries' schemas are functions too: the standard's word goes first.
  const standard = standardOf(schema);
  if (standard !== undefined) return (input) => validate(standard, input);
  const parse = schema as (input: unknown) => unknown;
  return (input) => guarded(() => whenKnown(parse(input), accepted));
}

function standardOf(schema: object): StandardSchema["~standard"] | undefined {
  return (schema as Partial<StandardSchema>)["~standard"];
}

/** Both sides of each call ask: no closure, and no copy of what the library said. */
function validate(standard: StandardSchema["~standard"], input: unknown): Parsed | Promise<Parsed> {
  try {
    const result = standard.validate(input);
    if (!isPromise(result)) return judged(result);
    return Promise.resolve(result).then(judged).catch(thrown);
  } catch (error) {
    return thrown(error);
  }
}

function judged(result: StandardResult<unknown>): Parsed {
  if (result.issues !== undefined) return { ok: false, issues: textOf(result.issues) };
  return accepted(result.value);
}

/** Synchronous schemas stay so: checking an input costs no turn of the loop. */
function whenKnown<T>(
  result: T | PromiseLike<T>,
  then: (result: T) => Parsed,
): Parsed | PromiseLike<Parsed> {
  return isPromise(result) ? result.then(then) : then(result);
}

function guarded(check: () => Parsed | PromiseLike<Parsed>): Parsed | Promise<Parsed> {
  try {
    const parsed = check();
    return isPromise(parsed) ? Promise.resolve(parsed).catch(thrown) : parsed;
  } catch (error) {
    return thrown(error);
  }
}

function accepted(value: unknown): Parsed {
  return { ok: true, value };
}

function thrown(error: unknown): Parsed {
  const said = error instanceof Error ? error.message : String(error);
  return { ok: false, issues: short(said) };
}

function textOf(issues: readonly StandardIssue[]): string {
  const told = issues.slice(0, MAX_ISSUES).map(({ message, path = [] }) => {
    const at = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
    return short(at === "" ? message : `${at}: ${message}`);
  });
  const untold = issues.length - told.length;
  return untold > 0 ? `${told.join("; ")}; and ${untold} more` : told.join("; ");
}

function short(text: string): string {
  return text.length > MAX_ISSUE_CHARACTERS ? `${text.slice(0, MAX_ISSUE_CHARACTERS)}…` : text;
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && "then" in value;
}
