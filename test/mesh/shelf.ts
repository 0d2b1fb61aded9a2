import {
  type Definition,
  type DerivedIndex,
  type DistinctIndex,
  Engine,
  type Query,
  type Reader,
  type SortedIndex,
} from '../../src/mesh/engine.ts';

/*
 * A small world to try the engine on: books on a shelf, by author, with the years in which an author was printed, and
 * a catalogue of prolific authors that the queries file themselves.
 */

/** An object of the engine. */
export interface Book {
  readonly title: string;
  readonly author: string;
  readonly year: number;
  readonly price: number;
}

/** The books of an author, oldest first. */
export const byAuthor: SortedIndex<Book, Book> = {
  kind: 'sorted',
  name: 'books by author',
  entriesOf: (book) => [[book.author, book]],
  compare: (a, b) => a.year - b.year || (a.title < b.title ? -1 : 1),
};

/** The authors of a year. */
export const authorsOfYear: DistinctIndex<Book> = {
  kind: 'distinct',
  name: 'authors by year',
  entriesOf: (book) => [[String(book.year), book.author]],
};

/** Authors with several books, by the first letter of their name. */
export const prolific: DerivedIndex<string> = {
  kind: 'derived',
  name: 'prolific authors',
  compare: (a, b) => (a < b ? -1 : a > b ? 1 : 0),
};

/** How often each query was computed, by `name argument`. */
export type Computations = Map<string, number>;

/** The queries of the shelf, each of which counts its computations. */
export function shelfQueries(counts: Computations = new Map()) {
  const counting = <V>(query: Query<Book, V>): Query<Book, V> => ({
    ...query,
    compute(reader: Reader<Book>, argument: string): V {
      const name = `${query.name} ${argument}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      return query.compute(reader, argument);
    },
  });
  /** How many books an author has; there are authors as long as they have books. */
  const count: Query<Book, number> = counting({
    name: 'count',
    level: 1,
    rootsOf: ({ author }) => [author],
    compute: (reader, author) => reader.entries(byAuthor, author).length,
    contribute(books, author, contribute) {
      if (books > 1) contribute(prolific, author.slice(0, 1), author);
    },
  });
  /** The title of an author's first book. */
  const debut: Query<Book, string | undefined> = counting({
    name: 'debut',
    level: 1,
    compute: (reader, author) => reader.first(byAuthor, author)?.title,
  });
  /** Whether an author has several books: it rarely changes with their number. */
  const isProlific: Query<Book, boolean> = counting({
    name: 'is prolific',
    level: 2,
    compute: (reader, author) => reader.value(count, author) > 1,
  });
  /** What is worth saying about a year. */
  const chronicle: Query<Book, readonly string[]> = counting({
    name: 'chronicle',
    level: 3,
    rootsOf: ({ year }) => [String(year)],
    compute: (reader, year) =>
      reader
        .distinct(authorsOfYear, year)
        .map(
          (author) => `${reader.value(isProlific, author) ? 'prolific ' : ''}${author}, ${reader.value(debut, author)}`,
        ),
  });
  /** The prolific authors with a letter. */
  const catalogue: Query<Book, readonly string[]> = counting({
    name: 'catalogue',
    level: 3,
    rootsOf: ({ author }) => [author.slice(0, 1)],
    compute: (reader, letter) => [...reader.entries(prolific, letter)],
  });
  return { count, debut, isProlific, chronicle, catalogue };
}

/** An engine of the shelf, with some books on it. */
export function shelfOf(books: readonly Book[], queries = shelfQueries()): Engine<Book> {
  const definition: Definition<Book> = {
    indexes: [{ concerns: () => true, sorted: [byAuthor], distinct: [authorsOfYear] }],
    queries: [queries.count, queries.chronicle, queries.catalogue],
  };
  const engine = new Engine(definition);
  engine.apply(books.map((after) => ({ after })));
  return engine;
}
