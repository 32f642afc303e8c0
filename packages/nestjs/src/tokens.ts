/**
 * What Nest knows the parts of this package by.
 *
 * Global symbols: two copies of the package in one `node_modules` mean the same provider.
 */
import { Inject } from "@nestjs/common";

/** The provider of the application's `Quorate` object. */
export const QUORATE: unique symbol = Symbol.for("quorate.nestjs.quorate") as never;

/** The module's options, checked. */
export const OPTIONS: unique symbol = Symbol.for("quorate.nestjs.options") as never;

/**
 * The provider of the application's `QuorateHost`, and the property that decorators find it in.
 * Nest shows the symbol where it finds no such provider: so its name is the cure.
 */
export const HOST: unique symbol = Symbol.for("import QuorateModule.forRoot()") as never;

/** Metadata of a class: what its decorated methods want done when the application starts. */
export const PREPARATIONS: unique symbol = Symbol.for("quorate.nestjs.preparations") as never;

/**
 * Asks for the application's `Quorate` object, in a constructor or on a property.
 *
 * @example
 * import type { Quorate } from "quorate";
 * class Reports {
 *   constructor(@InjectQuorate() readonly q: Quorate) {}
 * }
 */
export function InjectQuorate(): ParameterDecorator & PropertyDecorator {
  return Inject(QUORATE);
}
