/**
 * Types of a contract: what is said of a method, and what follows from it for both sides.
 *
 * Everything a caller or a handler sees is inferred from the schemas: the caller gives what the
 * input's schema takes and gets what the output's schema makes; the handler the other way round.
 * What a method's `repeat` asks for is in the types, too: a keyed method does not compile without
 * its key, and one that is not keyed takes none.
 */
import type { Effect, InputSchema, Ms, SchemaInput, SchemaOutput } from "@quorate/core";
import type { Repeat } from "@quorate/resilience";

/** What an error of a contract carries, and whether the call had an effect all the same. */
export type ErrorSpec =
  | InputSchema
  | {
      /** Checks what is told beside the error's name. */
      readonly data: InputSchema;
      /** Whether the call happened where this is the answer. @default "none" */
      readonly effect?: Effect;
    };

/** One method of a contract. */
export interface MethodSpec {
  /** Checks what goes in, on both sides. */
  readonly input: InputSchema;
  /** Checks what comes out, on both sides; instead of `items`. */
  readonly output?: InputSchema;
  /** Checks each item of a stream, on both sides; instead of `output`. */
  readonly items?: InputSchema;
  /** Errors that callers are told by name, with their data. @default none */
  readonly errors?: Readonly<Record<string, ErrorSpec>>;
  /**
   * `safe`: it changes nothing, or the same way each time. `keyed`: it runs once per key.
   * @default "unsafe": not repeated once it may have run
   */
  readonly repeat?: Repeat;
  /** Time for a call with all its attempts, where the caller names none. @default the client's */
  readonly timeoutMs?: Ms;
  /** When an attempt at a safe or keyed method counts as lost. @default the call's own time */
  readonly attemptTimeoutMs?: Ms;
}

/** The methods of a contract, by name. */
export type Methods = Readonly<Record<string, MethodSpec>>;

/** Words that a client uses itself, or that make trouble as properties; no method has them. */
export type ReservedName =
  | "then"
  | "catch"
  | "finally"
  | "close"
  | "stats"
  | "on"
  | "contract"
  | "constructor"
  | "prototype"
  | "hasOwnProperty"
  | "isPrototypeOf"
  | "propertyIsEnumerable"
  | "toJSON"
  | "toLocaleString"
  | "toString"
  | "valueOf";

/** Stands where a method's declaration cannot be right, and says why. */
export interface ContractProblem<Text extends string> {
  readonly problem: Text;
}

/** The methods, each as it must be declared: what is wrong does not compile. */
export type CheckedMethods<M> = {
  readonly [K in keyof M]: K extends ReservedName
    ? ContractProblem<`a method cannot be called ${K}: clients have it already`>
    : CheckedMethod<M[K]>;
};

type CheckedMethod<S> = {
  readonly [F in keyof S]: F extends "input" | "output" | "items"
    ? TakesItsOwn<S[F]>
    : F extends "repeat"
      ? S extends { readonly items: InputSchema }
        ? Exclude<Repeat, "keyed">
        : Repeat
      : S[F];
} & (S extends { readonly output: InputSchema; readonly items: InputSchema }
  ? ContractProblem<"a method has output or items, not both">
  : S extends { readonly output: InputSchema } | { readonly items: InputSchema }
    ? unknown
    : ContractProblem<"a method needs output or items">);

/** Both sides ask the schema: the second time about what it made the first time. */
type TakesItsOwn<S> =
  SchemaOutput<S> extends SchemaInput<S>
    ? S
    : ContractProblem<"the schema must accept what it makes: both sides ask it">;

/** A service's methods under a name and a version. Made by `contract`. */
export interface Contract<M extends Methods = Methods> {
  /** The service's name: one segment of a subject. */
  readonly name: string;
  /** As `1.4.0` (semver.org, 2.0.0). */
  readonly version: string;
  /** Sides with the same major version talk to each other. */
  readonly major: number;
  /** As declared. */
  readonly methods: M;
}

/** Names of a contract's methods. */
export type MethodName<C extends Contract> = keyof C["methods"] & string;

/** What a caller of the method gives. */
export type InputOf<S> = S extends { readonly input: infer I } ? SchemaInput<I> : never;

/** What a caller of the method gets: its output, or one item of its stream. */
export type OutputOf<S> = S extends { readonly output: infer O extends InputSchema }
  ? SchemaOutput<O>
  : S extends { readonly items: infer I extends InputSchema }
    ? SchemaOutput<I>
    : never;

/** What a handler of the method is given. */
export type ReceivedOf<S> = S extends { readonly input: infer I } ? SchemaOutput<I> : never;

/** What a handler of the method returns, or yields. */
export type ReturnedOf<S> = S extends { readonly output: infer O extends InputSchema }
  ? SchemaInput<O>
  : S extends { readonly items: infer I extends InputSchema }
    ? SchemaInput<I>
    : never;

/** Names of the errors that the method may answer with. */
export type ErrorName<S> = S extends { readonly errors: infer E } ? keyof E & string : never;

type ErrorSchema<S, N> = S extends { readonly errors: infer E }
  ? N extends keyof E
    ? E[N] extends { readonly data: infer D extends InputSchema }
      ? D
      : E[N]
    : never
  : never;

/** What a handler tells beside the error's name. */
export type ErrorGiven<S, N> = SchemaInput<ErrorSchema<S, N>>;

/** What a caller is told beside the error's name. */
export type ErrorTold<S, N> = SchemaOutput<ErrorSchema<S, N>>;
