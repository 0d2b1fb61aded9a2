/**
 * Something that queries read; its readers are the queries to compute again when it changes. A mesh has hundreds of thousands of cells,
 * of which nearly each has one reader: sets for them would take more memory than all else.
 */
export class Cell<N extends object> {
  #readers: N | Set<N> | undefined;

  get isRead(): boolean {
    return this.#readers !== undefined;
  }

  addReader(reader: N): void {
    if (this.#readers instanceof Set) this.#readers.add(reader);
    else if (this.#readers === undefined) this.#readers = reader;
    else if (this.#readers !== reader) this.#readers = new Set([this.#readers, reader]);
  }

  removeReader(reader: N): void {
    if (this.#readers === reader) this.#readers = undefined;
    if (!(this.#readers instanceof Set)) return;
    this.#readers.delete(reader);
    if (this.#readers.size === 0) this.#readers = undefined;
  }

  readers(): Iterable<N> {
    if (this.#readers === undefined) return none;
    return this.#readers instanceof Set ? this.#readers : [this.#readers];
  }
}

const none: readonly never[] = [];

/** How entries are sorted. */
interface Order<T> {
  compare(a: T, b: T): number;
}

/** The sorted entries of one key, with readers of all of them and readers of the first alone. */
export class SortedBucket<N extends object, T> {
  /** What readers of all entries read; absent while there are none. */
  all: Cell<N> | undefined;
  /** What readers of the first entry read; absent while there are none. */
  head: Cell<N> | undefined;
  #items: T[] = [];
  readonly #order: Order<T>;

  constructor(order: Order<T>) {
    this.#order = order;
  }

  get items(): readonly T[] {
    return this.#items;
  }

  /** Inserts after the entries that are equal in order; true when it became the first. */
  add(entry: T): boolean {
    const place = upperBound(this.#items, entry, this.#order);
    // An array that grows makes room for sixteen more; most buckets have one entry.
    if (this.#items.length === 0) this.#items = [entry];
    else this.#items.splice(place, 0, entry);
    return place === 0;
  }

  /** Removes that very entry; true when it was the first. Throws when it is not there: an index is out of step. */
  remove(entry: T): boolean {
    const place = this.#items.indexOf(entry, lowerBound(this.#items, entry, this.#order));
    if (place === -1) throw new Error('entry to remove is not in its index');
    this.#items.splice(place, 1);
    return place === 0;
  }
}

/** What an overlay adds to and takes from a sorted bucket, without touching it. */
export class SortedDelta<N extends object, T> {
  readonly #base: SortedBucket<N, T> | undefined;
  readonly #order: Order<T>;
  readonly #removed = new Set<T>();
  readonly #added: T[] = [];
  #view: readonly T[] | undefined;

  constructor(base: SortedBucket<N, T> | undefined, order: Order<T>) {
    this.#base = base;
    this.#order = order;
  }

  add(entry: T): void {
    this.#view = undefined;
    if (!this.#removed.delete(entry)) this.#added.splice(upperBound(this.#added, entry, this.#order), 0, entry);
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
    return this.#order.compare(base, added) <= 0 ? base : added;
  }

  items(): readonly T[] {
    this.#view ??= this.#build();
    return this.#view;
  }

  #build(): readonly T[] {
    const kept = (this.#base?.items ?? []).filter((entry) => !this.#removed.has(entry));
    for (const entry of this.#added) kept.splice(upperBound(kept, entry, this.#order), 0, entry);
    return kept;
  }
}

/** Strings of one key, with the number of objects that file each. */
export class CountBucket<N extends object> {
  /** What readers read; absent while there are none. */
  all: Cell<N> | undefined;
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
function lowerBound<T>(items: readonly T[], entry: T, order: Order<T>): number {
  return bound(items, (item) => order.compare(item, entry) < 0);
}

/** The first place whose entry comes after `entry`. */
function upperBound<T>(items: readonly T[], entry: T, order: Order<T>): number {
  return bound(items, (item) => order.compare(item, entry) <= 0);
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
