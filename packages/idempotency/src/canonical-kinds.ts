/**
 * What a value is that JSON has no word for, and what to pass in its place.
 *
 * The table is the documentation: every refusal ends in its cure.
 */

/** A kind of value that is not JSON. */
export interface Kind {
  /** With its article: `a Map`. */
  readonly is: string;
  /** What to pass instead. */
  readonly cure: string;
}

const BYTES = "pass Buffer.from(bytes).toString('base64')";

/** By the name of the built-in class. */
const BUILT_IN: ReadonlyMap<string, Kind> = new Map([
  ["Date", { is: "a Date", cure: "pass date.toISOString()" }],
  ["Map", { is: "a Map", cure: "pass Object.fromEntries(map), or [...map]" }],
  ["Set", { is: "a Set", cure: "pass [...set].sort()" }],
  ["RegExp", { is: "a RegExp", cure: "pass its source and flags" }],
  ["Error", { is: "an Error", cure: "pass { message: error.message }" }],
  ["Promise", { is: "a Promise", cure: "await it first" }],
  ["URL", { is: "a URL", cure: "pass url.href" }],
  ["Buffer", { is: "a Buffer", cure: BYTES }],
  ["Uint8Array", { is: "a Uint8Array", cure: BYTES }],
  ["ArrayBuffer", { is: "an ArrayBuffer", cure: BYTES }],
]);

const BY_TYPE: Readonly<Partial<Record<string, Kind>>> = {
  undefined: { is: "undefined", cure: "pass null, or leave it out" },
  bigint: { is: "a bigint", cure: "pass String(value)" },
  symbol: { is: "a symbol", cure: "pass its description" },
  function: { is: "a function", cure: "pass what it returns" },
};

/** The kind of a value that is neither text, a finite number, a boolean, null nor an object. */
export function kindOf(value: unknown): Kind {
  return BY_TYPE[typeof value] ?? { is: String(value), cure: "pass a finite number, or null" };
}

/** Why this object is not plain, or this array not just its items; `undefined`: it is. */
export function foreignKind(value: object): Kind | undefined {
  const isArray = Array.isArray(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  const plain = prototype === (isArray ? Array.prototype : Object.prototype) || prototype === null;
  if (!plain && !isOfAnotherRealm(prototype as object, isArray)) return classOf(value);
  const symbols = Object.getOwnPropertySymbols(value);
  if (symbols.some((key) => isEnumerable.call(value, key))) {
    return { is: "an object with a symbol as a key", cure: "give the member a name" };
  }
  if (isArray && Object.keys(value).length !== value.length) return oddArray(value);
  return undefined;
}

const isEnumerable = Object.prototype.propertyIsEnumerable;

/** Plain in another realm (a `vm`, a worker's context): the prototype is that realm's own. */
function isOfAnotherRealm(prototype: object, isArray: boolean): boolean {
  const above: unknown = Object.getPrototypeOf(prototype);
  if (isArray) return Array.isArray(prototype) && !Array.isArray(above);
  return above === null && Object.hasOwn(prototype, "isPrototypeOf");
}

/** Holes, or members besides the items, such as those of a regular expression's match. */
function oddArray(value: readonly unknown[]): Kind {
  for (let index = 0; index < value.length; index++) {
    if (!(index in value)) return { is: `an array without item ${index}`, cure: "fill it" };
  }
  return { is: "an array with named members", cure: "pass [...array], or an object" };
}

/** Named after its class where that is known; a name is not data. */
function classOf(value: object): Kind {
  const { constructor } = value as { readonly constructor?: { readonly name?: unknown } };
  const named: unknown = constructor?.name;
  const name = typeof named === "string" ? named.slice(0, 64) : "";
  const known = BUILT_IN.get(name) ?? (value instanceof Error ? BUILT_IN.get("Error") : undefined);
  if (known !== undefined) return known;
  const is = name === "" ? "an object of a class" : `an object of class ${name}`;
  return { is, cure: "pass a plain object of its fields" };
}
