/**
 * How types flow through a definition: what may be stored, and what each step sees of the others.
 *
 * An output goes to the store as JSON and comes back from it, perhaps in another process. So its
 * type must survive the journey: a `Date` or a `Map` would come back as something else, and is
 * refused where the step is defined.
 */
import type { Json } from "@quorate/core";

/** `T`, with `never` wherever JSON would lose or change something. */
export type Storable<T> = T extends string | number | boolean | null | undefined | void
  ? T
  : T extends bigint | symbol | ((...args: never[]) => unknown)
    ? never
    : { [Key in keyof T]: Storable<T[Key]> };

/** `Then` where a `T` survives being stored as JSON; else a type that says what is wrong. */
export type IfStorable<T, What extends string, Then> = [T] extends [Json | undefined | void]
  ? Then
  : [T] extends [Storable<T>]
    ? Then
    : NotStorable<What>;

/**
 * What the builder's call returns when an input or an output is not plain JSON: nothing can be
 * done with it. Return strings, numbers, plain objects and arrays of them, or nothing; put `run`
 * before `undo`, as types are inferred in the order of writing.
 */
export interface NotStorable<What extends string> {
  /** Never there: this type only says what is wrong. */
  readonly "not plain JSON, so it cannot be stored": What;
}

/** Written out, so that an editor shows fields and not how they came together. */
export type Flat<T> = { readonly [Key in keyof T]: T[Key] };

/** Outputs `Out` and, for certain, `T` under `Name`. */
export type With<Out, Name extends string, T> = Flat<Out & { readonly [Key in Name]: OutputOf<T> }>;

/** Outputs `Out` and, perhaps, `T` under `Name`. */
export type Perhaps<Out, Name extends string, T> = Flat<
  Out & { readonly [Key in Name]?: OutputOf<T> | undefined }
>;

/** Nothing returned is `undefined` to those who look. */
export type OutputOf<T> = T extends void ? undefined : T;

/** Outputs `Out` and those of the branches. */
export type WithAll<Out, Branches> = Flat<
  Out & { readonly [Name in keyof Branches]: OutputOf<Branches[Name]> }
>;
