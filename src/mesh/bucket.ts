import { trimmed } from './trimmed.ts';

/**
 * Something that queries read; its readers are the queries to compute again when it changes. A mesh has hundreds of thousands of cells.
 * Most have one reader, and nearly all others a few: a set for each would take more memory than all else.
 */
export class Cell<N extends Cell<N>> {
  #readers: N | readonly N[] | Set<N> | undefined;

  get isRead(): boolean {
    return this.#readers !== undefined;
  }

  addReader(reader: N): void {
    const readers = this.#readers;
    if (readers === undefined) this.#readers = reader;
    else if (readers instanceof Set) readers.add(reader);
    else if (readers instanceof Cell) this.#readers = readers === reader ? reader : [readers, reader];
    else if (!readers.includes(reader))
      this.#readers = readers.length < mostListed ? trimmed([...readers, reader]) : new Set(readers).add(reader);
  }

  removeReader(reader: N): void {
    const readers = this.#readers;
    if (readers === reader) this.#readers = undefined;
    else if (readers instanceof Set) {
      readers.delete(reader);
      if (readers.size === 0) this.#readers = undefined;
    } else if (readers !== undefined && !(readers instanceof Cell)) {
      const rest = readers.filter((other) => other !== reader);
      this.#readers = rest.length === 1 ? rest[0] : rest;
    }
  }

  readers(): Iterable<N> {
    if (this.#readers === undefined) return none;
    return this.#readers instanceof Cell ? [this.#readers] : this.#readers;
  }
}

/** More readers than this are a set: each comes and goes without a look at all others. */
const mostListed = 8;

/** One empty list for all: most look-ups find nothing. */
export const none: readonly never[] = [];

/** How entries are sorted. */
interface Order<T> {
  compare(a: T, b: T): number;
}

/** The sorted entries of one key. Its readers are those of all entries. */
export class SortedBucket<N extends Cell<N>, T> extends Cell<N> {
  /** What readers of the first entry alone read; absent while there are none. */
  head: Cell<N> | undefined;
  /** Absent while there are none: many keys are looked up in vain. */
  #items: T[] | undefined;

  get items(): readonly T[] {
    return this.#items ?? none;
  }

  /** Inserts after the entries that are equal in order; true when it became the first. */
  add(entry: T, order: Order<T>): boolean {
    const place = upperBound(this.items, entry, order);
    // An array that grows makes room for sixteen more; most buckets have one entry.
    if (this.#items === undefined) this.#items = [entry];
    else this.#items.splice(place, 0, entry);
    return place === 0;
  }

  /** Removes that very entry; true when it was the first. Throws when it is not there: an index is out of step. */
  remove(entry: T, order: Order<T>): boolean {
    const place = this.items.indexOf(entry, lowerBound(this.items, entry, order));
    if (place === -1) throw new Error('entry to remove is not in its index');
    if (this.items.length === 1) this.#items = undefined;
    else this.#items?.splice(place, 1);
    return place === 0;
  }
}

/** What an overlay adds to and takes from a sorted bucket, without touching it. */
export class SortedDelta<N extends Cell<N>, T> {
  readonly #base: SortedBucket<N, T> | undefined;
  readonly #order: Order<T>;
  /** Absent while there are none, as in most deltas. */
  #removed: Set<T> | undefined;
  readonly #added: T[] = [];
  #view: readonly T[] | undefined;

  constructor(base: SortedBucket<N, T> | undefined, order: Order<T>) {
    this.#base = base;
    this.#order = order;
  }

  add(entry: T): void {
    this.#view = undefined;
    if (!this.#removed?.delete(entry)) this.#added.splice(upperBound(this.#added, entry, this.#order), 0, entry);
  }

  remove(entry: T): void {
    this.#view = undefined;
    const place = this.#added.indexOf(entry);
    if (place !== -1) this.#added.splice(place, 1);
    else if (this.#removed === undefined) this.#removed = new Set([entry]);
    else this.#removed.add(entry);
  }

  /** The first entry, without building the list. */
  first(): T | undefined {
    const base = this.#base?.items.find((entry) => !this.#removed?.has(entry));
    const added = this.#added[0];
    if (base === undefined || added === undefined) return base ?? added;
    return this.#order.compare(base, added) <= 0 ? base : added;
  }

  items(): readonly T[] {
    this.#view ??= this.#build();
    return this.#view;
  }

  #build(): readonly T[] {
    const kept = (this.#base?.items ?? none).filter((entry) => !this.#removed?.has(entry));
    for (const entry of this.#added) kept.splice(upperBound(kept, entry, this.#order), 0, entry);
    return kept;
  }
}

/** Strings of one key, with the number of objects that file each. */
export class CountBucket<N extends Cell<N>> extends Cell<N> {
  /** The only string, which one object files: most keys have no more. Otherwise how many objects file each. */
  #counts: string | Map<string, number> | undefined;
  #distinct: readonly string[] | undefined;

  /** How many objects file a string. */
  countOf(entry: string): number {
    if (typeof this.#counts === 'string') return this.#counts === entry ? 1 : 0;
    return this.#counts?.get(entry) ?? 0;
  }

  /** Adds `difference` to a count; true when the string came or went. */
  change(entry: string, difference: number): boolean {
    const before = this.countOf(entry);
    const after = before + difference;
    if (this.#counts === undefined && after === 1) this.#counts = entry;
    else this.#setCount(entry, after);
    const changed = (before === 0) !== (after === 0);
    if (changed) this.#distinct = undefined;
    return changed;
  }

  distinct(): readonly string[] {
    this.#distinct ??= typeof this.#counts === 'string' ? [this.#counts] : [...(this.#counts?.keys() ?? [])].sort();
    return this.#distinct;
  }

  #setCount(entry: string, count: number): void {
    if (typeof this.#counts === 'string') this.#counts = new Map([[this.#counts, 1]]);
    this.#counts ??= new Map();
    if (count === 0) this.#counts.delete(entry);
    else this.#counts.set(entry, count);
    if (this.#counts.size === 0) this.#counts = undefined;
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
