/**
 * The steps of a record, by name, in the order in which they came up.
 *
 * Immutable, as the record is: each write has new ones. A `Map` for each write was a twelfth of
 * what a saga cost; most sagas have so few steps that two short arrays are searched faster.
 */

/** Searched one by one up to this many. */
const FEW = 12;

/** Steps by name, each with what is known of it. */
export class Steps<Step> implements Iterable<readonly [string, Step]> {
  /** None have begun. */
  static readonly NONE: Steps<never> = new Steps([], []);
  /** In order; each belongs to the record at the same place of `records`. */
  readonly names: readonly string[];
  readonly records: readonly Step[];
  /** Made where there are many, when somebody looks for one. */
  #places: ReadonlyMap<string, number> | undefined;

  private constructor(
    names: readonly string[],
    records: readonly Step[],
    places?: ReadonlyMap<string, number>,
  ) {
    this.names = names;
    this.records = records;
    this.#places = places;
  }

  /** Steps in the order of `entries`. */
  static of<Step>(entries: Iterable<readonly [string, Step]>): Steps<Step> {
    const all = new Map(entries);
    return new Steps([...all.keys()], [...all.values()]);
  }

  get size(): number {
    return this.names.length;
  }

  get(name: string): Step | undefined {
    return this.records[this.#placeOf(name)];
  }

  has(name: string): boolean {
    return this.#placeOf(name) !== -1;
  }

  /** These, with `name` put to `record`. */
  with(name: string, record: Step): Steps<Step> {
    const place = this.#placeOf(name);
    if (place === -1) return new Steps(appended(this.names, name), appended(this.records, record));
    const records = this.records.slice();
    records[place] = record;
    return new Steps(this.names, records, this.#places);
  }

  *[Symbol.iterator](): Generator<readonly [string, Step], void, void> {
    const { names, records } = this;
    for (let place = 0; place < names.length; place += 1) {
      yield [names[place] as string, records[place] as Step];
    }
  }

  #placeOf(name: string): number {
    const { names } = this;
    if (names.length <= FEW) {
      for (let place = 0; place < names.length; place += 1) if (names[place] === name) return place;
      return -1;
    }
    this.#places ??= new Map(names.map((known, place) => [known, place]));
    return this.#places.get(name) ?? -1;
  }
}

/** Of just the length: what is pushed to or spread gets room for sixteen more. */
function appended<T>(items: readonly T[], item: T): readonly T[] {
  const { length } = items;
  // oxlint-disable-next-line unicorn/no-new-array -- of a length
  const all = new Array<T>(length + 1);
  for (let index = 0; index < length; index += 1) all[index] = items[index] as T;
  all[length] = item;
  return all;
}
