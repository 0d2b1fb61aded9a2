/** Something that queries read; `readers` are the queries to compute again when it changes. */
export interface Cell<N> {
  readers?: Set<N>;
}

type Compare<T> = (a: T, b: T) => number;

/** The sorted entries of one key, with readers of all of them and readers of the first alone. */
export class SortedBucket<N, T> {
  readonly all: Cell<N> = {};
  readonly head: Cell<N> = {};
  readonly items: T[] = [];
  readonly #compare: Compare<T>;

  constructor(compare: Compare<T>) {
    this.#compare = compare;
  }

  /** Inserts after the entries that are equal in order; true when it became the first. */
  add(entry: T): boolean {
    const place = upperBound(this.items, entry, this.#compare);
    this.items.splice(place, 0, entry);
    return place === 0;
  }

  /** Removes that very entry; true when it was the first. Throws when it is not there: an index is out of step. */
  remove(entry: T): boolean {
    const place = this.items.indexOf(entry, lowerBound(this.items, entry, this.#compare));
    if (place === -1) throw new Error('entry to remove is not in its index');
    this.items.splice(place, 1);
    return place === 0;
  }
}

/** What an overlay adds to and takes from a sorted bucket, without touching it. */
export class SortedDelta<N, T> {
  readonly #base: SortedBucket<N, T> | undefined;
  readonly #compare: Compare<T>;
  readonly #removed = new Set<T>();
  readonly #added: T[] = [];
  #view: readonly T[] | undefined;

  constructor(base: SortedBucket<N, T> | undefined, compare: Compare<T>) {
    this.#base = base;
    this.#compare = compare;
  }

  add(entry: T): void {
    this.#view = undefined;
    if (!this.#removed.delete(entry)) this.#added.splice(upperBound(this.#added, entry, this.#compare), 0, entry);
  }

  remove(entry: T): void {
    this.#view = undefined;
    const place = this.#added.indexOf(entry);
    if (place === -1) this.#removed.add(entry);
    else this.#added.splice(place, 1);
  }

  /** The first entry, without building the list. */
  first(): T | undefined {
    const base = this.#base?.items.find((entry) => !this.#removed.has(entry));
    const added = this.#added[0];
    if (base === undefined || added === undefined) return base ?? added;
    return this.#compare(base, added) <= 0 ? base : added;
  }

  items(): readonly T[] {
    this.#view ??= this.#build();
    return this.#view;
  }

  #build(): readonly T[] {
    const kept = (this.#base?.items ?? []).filter((entry) => !this.#removed.has(entry));
    for (const entry of this.#added) kept.splice(upperBound(kept, entry, this.#compare), 0, entry);
    return kept;
  }
}

/** Strings of one key, with the number of objects that file each. */
export class CountBucket<N> {
  readonly all: Cell<N> = {};
  readonly counts = new Map<string, number>();
  #distinct: readonly string[] | undefined;

  /** Adds `difference` to a count; true when the string came or went. */
  change(entry: string, difference: number): boolean {
    const before = this.counts.get(entry) ?? 0;
    const after = before + difference;
    if (after === 0) this.counts.delete(entry);
    else this.counts.set(entry, after);
    const changed = (before === 0) !== (after === 0);
    if (changed) this.#distinct = undefined;
    return changed;
  }

  distinct(): readonly string[] {
    this.#distinct ??= [...this.counts.keys()].sort();
    return this.#distinct;
  }
}

/** The first place whose entry does not come before `entry`. */
function lowerBound<T>(items: readonly T[], entry: T, compare: Compare<T>): number {
  return bound(items, (item) => compare(item, entry) < 0);
}

/** The first place whose entry comes after `entry`. */
function upperBound<T>(items: readonly T[], entry: T, compare: Compare<T>): number {
  return bound(items, (item) => compare(item, entry) <= 0);
}

function bound<T>(items: readonly T[], isBefore: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && isBefore(item)) low = middle + 1;
    else high = middle;
  }
  return low;
}
