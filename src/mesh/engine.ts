import { dequal } from 'dequal';
import { Cell, CountBucket, none, SortedBucket, SortedDelta } from './bucket.ts';
import { trimmed } from './trimmed.ts';

/*
 * Memoised queries over tracked indexes, in the shape of Salsa. Objects fill indexes; queries read indexes and other
 * queries, and their values are kept together with what they read. A change touches the keys of the old and of the new
 * object; only values that read a touched key are computed again, and one that comes out equal stops the wave. Queries
 * are arranged in levels and read lower levels only, so that one pass in the order of the levels brings all up to date.
 */

/** Finds objects, or parts of objects, by key; the entries of a key are sorted. */
export interface SortedIndex<O, T> {
  readonly kind: 'sorted';
  readonly name: string;
  /** What an object files, and under which keys. The same object yields the very same entries every time. */
  entriesOf(object: O): Iterable<readonly [key: string, entry: T]>;
  compare(a: T, b: T): number;
  /** True where all is there before anything is read, and stays: nobody needs to know who has read it. */
  readonly isFixed?: true;
}

/** The distinct strings that objects file under a key. */
export interface DistinctIndex<O> {
  readonly kind: 'distinct';
  readonly name: string;
  entriesOf(object: O): Iterable<readonly [key: string, entry: string]>;
}

/** An index that the values of queries fill. */
export interface DerivedIndex<T> {
  readonly kind: 'derived';
  readonly name: string;
  compare(a: T, b: T): number;
}

/** Files an entry in a derived index. */
export type Contribute = <T>(index: DerivedIndex<T>, key: string, entry: T) => void;

type RootsOf<O> = (object: O) => Iterable<string>;

/** A memoised function of a mesh and a string. It depends on nothing but its argument and what it reads. */
export interface Query<O, V> {
  readonly name: string;
  /** It reads queries of lower levels only, and derived indexes that those fill. */
  readonly level: number;
  compute(reader: Reader<O>, argument: string): V;
  /** The arguments that exist because of an object: their values are kept without being asked for. */
  readonly rootsOf?: RootsOf<O>;
  /**
   * Files parts of the value in derived indexes, as long as an object is a reason for it: what is merely asked for files nothing. The
   * same value files the very same entries every time.
   */
  contribute?(value: V, argument: string, contribute: Contribute): void;
}

/** How queries, and everybody else, look at the mesh. */
export interface Reader<O> {
  /** The entries under a key. The list is the index's own: it changes with the mesh and is not to be kept. */
  entries<T>(index: SortedIndex<O, T> | DerivedIndex<T>, key: string): readonly T[];
  /** The first entry: cheaper than `entries`, and touched only when the first changes. */
  first<T>(index: SortedIndex<O, T> | DerivedIndex<T>, key: string): T | undefined;
  /** The distinct strings under a key, sorted. */
  distinct(index: DistinctIndex<O>, key: string): readonly string[];
  value<V>(query: Query<O, V>, argument: string): V;
}

/** An object that comes, goes, or is replaced. */
export interface ObjectChange<O> {
  readonly before?: O;
  readonly after?: O;
}

/** A query's value before and after a change; absent where the query had, or has, no such argument. */
export interface ValueChange<V> {
  readonly argument: string;
  readonly before?: V;
  readonly after?: V;
}

/** Indexes that only some objects file anything in: all others are not even asked for entries. */
export interface IndexGroup<O> {
  concerns(object: O): boolean;
  readonly sorted: readonly SortedIndex<O, unknown>[];
  readonly distinct: readonly DistinctIndex<O>[];
}

/** All object indexes, and all queries that have roots, of a model. */
export interface Definition<O> {
  readonly indexes: readonly IndexGroup<O>[];
  readonly queries: readonly Query<O, unknown>[];
  /** Derived indexes of which it is to be known where they change. */
  readonly followed?: readonly DerivedIndex<unknown>[];
}

/** What is to be done about a change. */
interface Plan<O> {
  readonly indexes: readonly IndexGroup<O>[];
  /** The queries that have roots, together where those are the same. */
  readonly rooted: ReadonlyMap<RootsOf<O>, readonly Query<O, unknown>[]>;
}

type ListIndex<O> = SortedIndex<O, unknown> | DerivedIndex<unknown>;

/** A memoised value. */
class Node<O> extends Cell<Node<O>> {
  readonly query: Query<O, unknown>;
  readonly argument: string;
  value: unknown;
  /** What the value was computed from. */
  reads: readonly Cell<Node<O>>[] = [];
  /** What the value files in derived indexes. */
  filed: readonly Filed[] = [];
  /** How many objects have it as a root. */
  roots = 0;

  constructor(query: Query<O, unknown>, argument: string) {
    super();
    this.query = query;
    this.argument = argument;
  }
}

/** One entry that a query files in a derived index. */
interface Filed {
  readonly index: DerivedIndex<unknown>;
  readonly key: string;
  readonly entry: unknown;
}

/** What the base and an overlay have in common: reading, and the wave that a change sends through the queries. */
abstract class State<O> implements Reader<O> {
  protected readonly plan: Plan<O>;
  readonly #pending: Set<Node<O>>[] = [];
  /** The level of the query that is being computed; queries read lower levels only. */
  #level = Number.POSITIVE_INFINITY;
  /** The level that the wave has reached; nothing at or below it may be touched any more. */
  #settled = -1;

  constructor(plan: Plan<O>) {
    this.plan = plan;
  }

  // Indexes and queries are stored by identity without their types, and given back with the type of the very index or
  // query that is asked for: the casts of these two methods are the only ones, and true by construction.
  entries<T>(index: SortedIndex<O, T> | DerivedIndex<T>, key: string): readonly T[] {
    return this.readList(index, key) as readonly T[];
  }

  first<T>(index: SortedIndex<O, T> | DerivedIndex<T>, key: string): T | undefined {
    return this.readFirst(index, key) as T | undefined;
  }

  value<V>(query: Query<O, V>, argument: string): V {
    if (query.level >= this.#level)
      throw new Error(`query '${query.name}' is read by a query of its own or a lower level`);
    return this.readValue(query, argument) as V;
  }

  abstract distinct(index: DistinctIndex<O>, key: string): readonly string[];

  protected abstract readList(index: ListIndex<O>, key: string): readonly unknown[];
  protected abstract readFirst(index: ListIndex<O>, key: string): unknown;
  protected abstract readValue(query: Query<O, unknown>, argument: string): unknown;
  protected abstract addEntry(index: ListIndex<O>, key: string, entry: unknown): void;
  protected abstract removeEntry(index: ListIndex<O>, key: string, entry: unknown): void;
  protected abstract changeCount(index: DistinctIndex<O>, key: string, entry: string, difference: number): void;
  protected abstract changeRoot(query: Query<O, unknown>, argument: string, difference: number): void;
  /** Computes a node again; what reads it is touched if it comes out different. */
  protected abstract refresh(node: Node<O>): void;

  /** Files changes in all indexes and brings every value up to date that they concern. */
  protected send(changes: Iterable<ObjectChange<O>>): void {
    for (const change of changes) {
      for (const group of this.plan.indexes) {
        const before = change.before !== undefined && group.concerns(change.before) ? change.before : undefined;
        const after = change.after !== undefined && group.concerns(change.after) ? change.after : undefined;
        if (before === undefined && after === undefined) continue;
        for (const index of group.sorted) this.#fileSorted(index, before, after);
        for (const index of group.distinct) this.#fileDistinct(index, before, after);
      }
      for (const [rootsOf, queries] of this.plan.rooted) this.#fileRoots(rootsOf, queries, change);
    }
    this.settle();
  }

  protected touch(cell: Cell<Node<O>> | undefined): void {
    if (cell !== undefined) for (const node of cell.readers()) this.schedule(node);
  }

  protected schedule(node: Node<O>): void {
    const { level } = node.query;
    if (level <= this.#settled)
      throw new Error(`query '${node.query.name}' reads what a query of its own or a higher level files`);
    const pending = this.#pending[level] ?? new Set();
    this.#pending[level] = pending;
    pending.add(node);
  }

  protected compute(node: Node<O>): unknown {
    const outer = this.#level;
    this.#level = node.query.level;
    try {
      return node.query.compute(this, node.argument);
    } finally {
      this.#level = outer;
    }
  }

  /** Files what a value contributes, and takes back what the value before it did; equal entries stay as they are. */
  protected refile(before: readonly Filed[], after: readonly Filed[]): readonly Filed[] {
    if (before.length === 0) {
      for (const { index, key, entry } of after) this.addEntry(index, key, entry);
      return after;
    }
    // A small change of a long list is most often in one place: what is equal around it is not looked up.
    const start = commonLength(before, after, (list, place) => list[place]);
    const rest = [before.slice(start), after.slice(start)] as const;
    const end = commonLength(...rest, (list, place) => list[list.length - 1 - place]);
    const old = new Map<string, Filed[]>();
    for (const filed of rest[0].slice(0, rest[0].length - end)) {
      const place = placeOf(filed);
      const there = old.get(place);
      if (there === undefined) old.set(place, [filed]);
      else there.push(filed);
    }
    const filedNow: Filed[] = [];
    const added: Filed[] = [];
    for (const filed of rest[1].slice(0, rest[1].length - end)) {
      const there = old.get(placeOf(filed));
      const match = there?.findIndex((candidate) => dequal(candidate.entry, filed.entry)) ?? -1;
      const kept = match === -1 ? undefined : there?.splice(match, 1)[0];
      if (kept === undefined) added.push(filed);
      filedNow.push(kept ?? filed);
    }
    for (const there of old.values()) for (const { index, key, entry } of there) this.removeEntry(index, key, entry);
    for (const { index, key, entry } of added) this.addEntry(index, key, entry);
    return trimmed([...before.slice(0, start), ...filedNow, ...before.slice(before.length - end)]);
  }

  #fileSorted(index: SortedIndex<O, unknown>, before: O | undefined, after: O | undefined): void {
    if (before !== undefined) {
      for (const [key, entry] of index.entriesOf(before)) {
        if (isFixed(index)) throw new Error(`index '${index.name}' is fixed, and an entry of it is to go`);
        this.removeEntry(index, key, entry);
      }
    }
    if (after !== undefined) for (const [key, entry] of index.entriesOf(after)) this.addEntry(index, key, entry);
  }

  #fileDistinct(index: DistinctIndex<O>, before: O | undefined, after: O | undefined): void {
    const old = before === undefined ? [] : [...index.entriesOf(before)];
    const now = after === undefined ? [] : [...index.entriesOf(after)];
    forDifferences(old, now, placeInIndex, ([key, entry], difference) =>
      this.changeCount(index, key, entry, difference),
    );
  }

  #fileRoots(rootsOf: RootsOf<O>, queries: readonly Query<O, unknown>[], { before, after }: ObjectChange<O>): void {
    const old = before === undefined ? [] : [...rootsOf(before)];
    const now = after === undefined ? [] : [...rootsOf(after)];
    forDifferences(old, now, itself, (argument, difference) => {
      for (const query of queries) this.changeRoot(query, argument, difference);
    });
  }

  /** Computes again what was touched, level by level. */
  protected settle(): void {
    for (let level = 0; level < this.#pending.length; level += 1) {
      const pending = this.#pending[level];
      this.#settled = level;
      for (const node of pending ?? []) this.refresh(node);
      pending?.clear();
    }
    this.#settled = -1;
  }
}

function isFixed<O>(index: ListIndex<O>): boolean {
  return index.kind === 'sorted' && index.isFixed === true;
}

/** Tells what a list has more of than the one before it, and what less. What is in both is not told, wherever it stands. */
function forDifferences<T>(
  before: readonly T[],
  after: readonly T[],
  textOf: (item: T) => string,
  tell: (item: T, difference: number) => void,
): void {
  if (before.length === 0 || after.length === 0) {
    for (const item of before) tell(item, -1);
    for (const item of after) tell(item, 1);
    return;
  }
  const differences = new Map<string, { readonly item: T; difference: number }>();
  const count = (item: T, step: number): void => {
    const text = textOf(item);
    const known = differences.get(text);
    if (known === undefined) differences.set(text, { item, difference: step });
    else known.difference += step;
  };
  for (const item of before) count(item, -1);
  for (const item of after) count(item, 1);
  for (const { item, difference } of differences.values()) if (difference !== 0) tell(item, difference);
}

function placeInIndex([key, entry]: readonly [key: string, entry: string]): string {
  return `${key}\n${entry}`;
}

function itself(text: string): string {
  return text;
}

function planOf<O>({ indexes, queries }: Definition<O>): Plan<O> {
  const rooted = new Map<RootsOf<O>, Query<O, unknown>[]>();
  for (const query of queries) if (query.rootsOf !== undefined) at(rooted, query.rootsOf, () => []).push(query);
  return { indexes, rooted };
}

/** What a value files in derived indexes. */
function filedBy<O>(node: Node<O>, value: unknown): readonly Filed[] {
  const { query, argument } = node;
  if (query.contribute === undefined) return none;
  const filed: Filed[] = [];
  query.contribute(value, argument, (index, key, entry) => filed.push({ index, key, entry }));
  return trimmed(filed);
}

/** How many entries of two lists are equal, counted as `at` counts. */
function commonLength(
  before: readonly Filed[],
  after: readonly Filed[],
  at: (list: readonly Filed[], place: number) => Filed | undefined,
): number {
  const most = Math.min(before.length, after.length);
  let length = 0;
  while (length < most && isSameFiled(at(before, length), at(after, length))) length += 1;
  return length;
}

function isSameFiled(a: Filed | undefined, b: Filed | undefined): boolean {
  return a?.index === b?.index && a?.key === b?.key && dequal(a?.entry, b?.entry);
}

function placeOf(filed: Filed): string {
  return `${filed.index.name}\n${filed.key}`;
}

/** The mesh as it is: every index and every memoised value, kept up to date change by change. */
export class Engine<O> extends State<O> {
  readonly #lists = new Map<ListIndex<O>, Map<string, SortedBucket<Node<O>, unknown>>>();
  readonly #counts = new Map<DistinctIndex<O>, Map<string, CountBucket<Node<O>>>>();
  readonly #nodes = new Map<Query<O, unknown>, Map<string, Node<O>>>();
  /** The keys of followed indexes that were touched since somebody asked. */
  readonly #touched: Map<ListIndex<O>, Set<string>>;
  /** What the query that is being computed has read so far. */
  #reads: Set<Cell<Node<O>>> | undefined;
  /** Nodes that lost their last reader in the wave that goes on; whoever else comes to read them has time until its end. */
  readonly #abandoned = new Set<Node<O>>();

  constructor(definition: Definition<O>) {
    super(planOf(definition));
    this.#touched = new Map(definition.followed?.map((index) => [index, new Set()]));
  }

  /** Keeps changes. */
  apply(changes: readonly ObjectChange<O>[]): void {
    this.send(changes);
    for (const { before } of changes) if (before !== undefined) this.#forgetRootless(before);
    for (const node of this.#abandoned) this.#forgetUnused(node);
    this.#abandoned.clear();
    // What is forgotten takes back what it has filed.
    this.settle();
  }

  /** The keys of a followed index under which something came or went since this was asked last; all of them, the first time. */
  takeTouched(index: DerivedIndex<unknown>): ReadonlySet<string> {
    const touched = this.#touched.get(index) ?? new Set();
    if (touched.size > 0) this.#touched.set(index, new Set());
    return touched;
  }

  /** The mesh as it would be after changes; the engine itself stays as it is. Valid until the next `apply`. */
  with(changes: readonly ObjectChange<O>[]): Overlay<O> {
    return new Overlay(this.plan, this, changes);
  }

  /** Every argument of a query that is a root, with its value. */
  *roots<V>(query: Query<O, V>): Iterable<readonly [argument: string, value: V]> {
    for (const node of this.#nodes.get(query)?.values() ?? []) {
      if (node.roots > 0) yield [node.argument, this.value(query, node.argument)];
    }
  }

  distinct(index: DistinctIndex<O>, key: string): readonly string[] {
    if (this.#reads === undefined) return this.peekCounts(index, key)?.distinct() ?? none;
    const bucket = this.#countBucket(index, key);
    this.#reads.add(bucket);
    return bucket.distinct();
  }

  /** For overlays: the bucket if there is one; reading it is not tracked. */
  peekList(index: ListIndex<O>, key: string): SortedBucket<Node<O>, unknown> | undefined {
    return this.#lists.get(index)?.get(key);
  }

  /** For overlays: the counts if there are any; reading them is not tracked. */
  peekCounts(index: DistinctIndex<O>, key: string): CountBucket<Node<O>> | undefined {
    return this.#counts.get(index)?.get(key);
  }

  /** For overlays: the node if it is memoised. */
  peekNode(query: Query<O, unknown>, argument: string): Node<O> | undefined {
    return this.#nodes.get(query)?.get(argument);
  }

  protected readList(index: ListIndex<O>, key: string): readonly unknown[] {
    if (this.#reads === undefined || isFixed(index)) return this.peekList(index, key)?.items ?? none;
    const bucket = this.#listBucket(index, key);
    this.#reads.add(bucket);
    return bucket.items;
  }

  protected readFirst(index: ListIndex<O>, key: string): unknown {
    if (this.#reads === undefined || isFixed(index)) return this.peekList(index, key)?.items[0];
    const bucket = this.#listBucket(index, key);
    bucket.head ??= new Cell();
    this.#reads.add(bucket.head);
    return bucket.items[0];
  }

  protected readValue(query: Query<O, unknown>, argument: string): unknown {
    let node = this.peekNode(query, argument);
    if (node === undefined) {
      node = this.#addNode(query, argument);
      this.#recompute(node);
    }
    this.#reads?.add(node);
    return node.value;
  }

  protected addEntry(index: ListIndex<O>, key: string, entry: unknown): void {
    const bucket = this.#listBucket(index, key);
    this.#touched.get(index)?.add(key);
    if (bucket.add(entry, index)) this.touch(bucket.head);
    this.touch(bucket);
  }

  protected removeEntry(index: ListIndex<O>, key: string, entry: unknown): void {
    const bucket = this.#listBucket(index, key);
    this.#touched.get(index)?.add(key);
    if (bucket.remove(entry, index)) this.touch(bucket.head);
    this.touch(bucket);
    if (bucket.items.length === 0 && !bucket.isRead && !bucket.head?.isRead) this.#lists.get(index)?.delete(key);
  }

  protected changeCount(index: DistinctIndex<O>, key: string, entry: string, difference: number): void {
    const bucket = this.#countBucket(index, key);
    if (bucket.change(entry, difference)) this.touch(bucket);
  }

  protected changeRoot(query: Query<O, unknown>, argument: string, difference: number): void {
    const known = this.peekNode(query, argument);
    const node = known ?? this.#addNode(query, argument);
    const wasRoot = node.roots > 0;
    node.roots += difference;
    if (known === undefined || wasRoot !== node.roots > 0) this.schedule(node);
  }

  protected refresh(node: Node<O>): void {
    const before = node.value;
    this.#recompute(node);
    if (!dequal(before, node.value)) this.touch(node);
    else node.value = before;
  }

  #recompute(node: Node<O>): void {
    const outer = this.#reads;
    const reads = new Set<Cell<Node<O>>>();
    this.#reads = reads;
    try {
      const value = this.compute(node);
      node.value = Array.isArray(value) ? trimmed(value) : value;
    } finally {
      this.#reads = outer;
    }
    for (const cell of node.reads) {
      if (reads.has(cell)) continue;
      cell.removeReader(node);
      if (cell instanceof Node && !cell.isRead) this.#abandoned.add(cell);
    }
    for (const cell of reads) cell.addReader(node);
    node.reads = [...reads];
    node.filed = this.refile(node.filed, node.roots > 0 ? filedBy(node, node.value) : none);
  }

  #addNode(query: Query<O, unknown>, argument: string): Node<O> {
    const node = new Node(query, argument);
    at(this.#nodes, query, () => new Map<string, Node<O>>()).set(argument, node);
    return node;
  }

  /** Drops the values that no object is a reason for any more. */
  #forgetRootless(before: O): void {
    for (const [rootsOf, queries] of this.plan.rooted) {
      for (const argument of rootsOf(before)) {
        for (const query of queries) {
          const node = this.peekNode(query, argument);
          if (node !== undefined) this.#forgetUnused(node);
        }
      }
    }
  }

  /** Drops a value that nobody reads and no object is a reason for, and then what it alone has read. */
  #forgetUnused(node: Node<O>): void {
    if (node.roots > 0 || node.isRead) return;
    this.#nodes.get(node.query)?.delete(node.argument);
    this.refile(node.filed, none);
    for (const cell of node.reads) {
      cell.removeReader(node);
      if (cell instanceof Node) this.#forgetUnused(cell);
    }
  }

  #listBucket(index: ListIndex<O>, key: string): SortedBucket<Node<O>, unknown> {
    const buckets = at(this.#lists, index, () => new Map<string, SortedBucket<Node<O>, unknown>>());
    return at(buckets, key, () => new SortedBucket<Node<O>, unknown>());
  }

  #countBucket(index: DistinctIndex<O>, key: string): CountBucket<Node<O>> {
    const buckets = at(this.#counts, index, () => new Map<string, CountBucket<Node<O>>>());
    return at(buckets, key, () => new CountBucket<Node<O>>());
  }
}

/** The mesh as it would be after one change: answers what the change touches itself, and all else from the base. */
export class Overlay<O> extends State<O> {
  readonly #base: Engine<O>;
  readonly #lists = new Map<ListIndex<O>, Map<string, SortedDelta<Node<O>, unknown>>>();
  readonly #counts = new Map<DistinctIndex<O>, Map<string, Map<string, number>>>();
  /** Nodes that the base does not have. */
  readonly #fresh = new Map<Query<O, unknown>, Map<string, Node<O>>>();
  /** Nodes of the base that were computed again, with their values here. */
  readonly #values = new Map<Node<O>, unknown>();
  /** By how many the objects differ that have a node of the base as a root. */
  readonly #roots = new Map<Node<O>, number>();

  constructor(plan: Plan<O>, base: Engine<O>, changes: readonly ObjectChange<O>[]) {
    super(plan);
    this.#base = base;
    this.send(changes);
  }

  /** The arguments of a query whose values the change made different, brought or took. */
  *changes<V>(query: Query<O, V>): Iterable<ValueChange<V>> {
    for (const node of this.#values.keys()) {
      if (node.query === query) {
        yield {
          argument: node.argument,
          before: this.#base.value(query, node.argument),
          after: this.value(query, node.argument),
        };
      }
    }
    for (const argument of this.#fresh.get(query)?.keys() ?? []) yield { argument, after: this.value(query, argument) };
  }

  distinct(index: DistinctIndex<O>, key: string): readonly string[] {
    const base = this.#base.peekCounts(index, key);
    const differences = this.#counts.get(index)?.get(key);
    if (differences === undefined) return base?.distinct() ?? none;
    const present = new Set(base?.distinct() ?? []);
    for (const [entry, difference] of differences) {
      if ((base?.countOf(entry) ?? 0) + difference > 0) present.add(entry);
      else present.delete(entry);
    }
    return [...present].sort();
  }

  protected readList(index: ListIndex<O>, key: string): readonly unknown[] {
    return this.#lists.get(index)?.get(key)?.items() ?? this.#base.peekList(index, key)?.items ?? none;
  }

  protected readFirst(index: ListIndex<O>, key: string): unknown {
    const delta = this.#lists.get(index)?.get(key);
    return delta === undefined ? this.#base.peekList(index, key)?.items[0] : delta.first();
  }

  protected readValue(query: Query<O, unknown>, argument: string): unknown {
    const node = this.#base.peekNode(query, argument);
    if (node !== undefined) return this.#values.has(node) ? this.#values.get(node) : node.value;
    const known = this.#fresh.get(query)?.get(argument);
    return (known ?? this.#computeFresh(query, argument)).value;
  }

  protected addEntry(index: ListIndex<O>, key: string, entry: unknown): void {
    this.#changeList(index, key, (delta) => delta.add(entry));
  }

  protected removeEntry(index: ListIndex<O>, key: string, entry: unknown): void {
    this.#changeList(index, key, (delta) => delta.remove(entry));
  }

  protected changeCount(index: DistinctIndex<O>, key: string, entry: string, difference: number): void {
    const bucket = this.#base.peekCounts(index, key);
    const keys = at(this.#counts, index, () => new Map<string, Map<string, number>>());
    const differences = at(keys, key, () => new Map<string, number>());
    const before = (bucket?.countOf(entry) ?? 0) + (differences.get(entry) ?? 0);
    differences.set(entry, (differences.get(entry) ?? 0) + difference);
    if ((before === 0) !== (before + difference === 0)) this.touch(bucket);
  }

  protected changeRoot(query: Query<O, unknown>, argument: string, difference: number): void {
    const node = this.#base.peekNode(query, argument);
    if (node === undefined) {
      const fresh = this.#addFresh(query, argument);
      fresh.roots += difference;
      this.schedule(fresh);
      return;
    }
    const wasRoot = this.#isRoot(node);
    this.#roots.set(node, (this.#roots.get(node) ?? 0) + difference);
    if (wasRoot !== this.#isRoot(node)) this.schedule(node);
  }

  #isRoot(node: Node<O>): boolean {
    return node.roots + (this.#roots.get(node) ?? 0) > 0;
  }

  protected refresh(node: Node<O>): void {
    const value = this.compute(node);
    if (this.#fresh.get(node.query)?.get(node.argument) === node) {
      node.value = value;
      node.filed = this.refile(node.filed, node.roots > 0 ? filedBy(node, value) : none);
      return;
    }
    const isSame = dequal(node.value, value);
    const isRoot = this.#isRoot(node);
    if (isSame && isRoot === node.roots > 0) return;
    if (!isSame) this.#values.set(node, value);
    this.refile(node.filed, isRoot ? filedBy(node, isSame ? node.value : value) : none);
    if (!isSame) this.touch(node);
  }

  #computeFresh(query: Query<O, unknown>, argument: string): Node<O> {
    const node = this.#addFresh(query, argument);
    node.value = this.compute(node);
    return node;
  }

  #addFresh(query: Query<O, unknown>, argument: string): Node<O> {
    const nodes = at(this.#fresh, query, () => new Map<string, Node<O>>());
    return at(nodes, argument, () => new Node(query, argument));
  }

  #changeList(index: ListIndex<O>, key: string, change: (delta: SortedDelta<Node<O>, unknown>) => void): void {
    const bucket = this.#base.peekList(index, key);
    const keys = at(this.#lists, index, () => new Map<string, SortedDelta<Node<O>, unknown>>());
    const delta = at(keys, key, () => new SortedDelta<Node<O>, unknown>(bucket, index));
    const head = bucket?.head;
    const before = head && delta.first();
    change(delta);
    this.touch(bucket);
    if (head !== undefined && delta.first() !== before) this.touch(head);
  }
}

/** The value of a key, made and kept if there is none yet. */
function at<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
