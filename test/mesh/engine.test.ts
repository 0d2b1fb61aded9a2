import { beforeEach, describe, expect, it } from 'vitest';
import {
  type DerivedIndex,
  Engine,
  type IndexGroup,
  type ObjectChange,
  type Query,
  type Reader,
  type SortedIndex,
} from '../../src/mesh/engine.ts';
import { patience, property } from '../egress/property.ts';
import { fc } from '../fast-check.ts';
import { authorsOfYear, type Book, byAuthor, type Computations, prolific, shelfOf, shelfQueries } from './shelf.ts';

const emma: Book = { title: 'Emma', author: 'Austen', year: 1815, price: 10 };
const persuasion: Book = { title: 'Persuasion', author: 'Austen', year: 1817, price: 12 };
const lyrics: Book = { title: 'Lyrics', author: 'Auden', year: 1815, price: 5 };

/** An index that concerns all objects. */
function groupOf<O>(index: SortedIndex<O, unknown>): IndexGroup<O> {
  return { concerns: () => true, sorted: [index], distinct: [] };
}

describe('indexes', () => {
  it('find objects by key, in their order', () => {
    const shelf = shelfOf([persuasion, emma, lyrics]);
    expect(shelf.entries(byAuthor, 'Austen')).toEqual([emma, persuasion]);
    expect(shelf.first(byAuthor, 'Austen')).toBe(emma);
    expect(shelf.entries(byAuthor, 'Nobody')).toEqual([]);
    expect(shelf.first(byAuthor, 'Nobody')).toBeUndefined();
  });

  it('have distinct strings, sorted', () => {
    const shelf = shelfOf([emma, lyrics, { ...emma, title: 'Emma, again' }]);
    expect(shelf.distinct(authorsOfYear, '1815')).toEqual(['Auden', 'Austen']);
    shelf.apply([{ before: emma }]);
    expect(shelf.distinct(authorsOfYear, '1815')).toEqual(['Auden', 'Austen']);
    shelf.apply([{ before: lyrics }]);
    expect(shelf.distinct(authorsOfYear, '1815')).toEqual(['Austen']);
  });

  it('hold for good what is fixed', () => {
    const owner: SortedIndex<Book, string> = {
      kind: 'sorted',
      name: 'owner',
      entriesOf: ({ title, author }) => (title === 'Ex libris' ? [['', author]] : []),
      compare: () => 0,
      isFixed: true,
    };
    const label: Query<Book, string> = {
      name: 'label',
      level: 1,
      rootsOf: ({ title }) => [title],
      compute: (reader, title) => `${title}, property of ${reader.first(owner, '')}`,
    };
    const exLibris: Book = { title: 'Ex libris', author: 'Knightley', year: 1816, price: 0 };
    const shelf = new Engine<Book>({ indexes: [groupOf(byAuthor), groupOf(owner)], queries: [label] });
    shelf.apply([{ after: exLibris }, { after: emma }]);
    expect(shelf.value(label, 'Emma')).toBe('Emma, property of Knightley');
    expect(() => shelf.with([{ before: exLibris }])).toThrow("index 'owner' is fixed, and an entry of it is to go");
  });

  it('are filled by the values of queries too', () => {
    const shelf = shelfOf([emma, persuasion, lyrics]);
    expect(shelf.entries(prolific, 'A')).toEqual(['Austen']);
    shelf.apply([{ before: emma }]);
    expect(shelf.entries(prolific, 'A')).toEqual([]);
  });

  it('are filled only by what an object is a reason for', () => {
    const titles: DerivedIndex<string> = { kind: 'derived', name: 'titles', compare: () => 0 };
    const title: Query<Book, string> = {
      name: 'title',
      level: 1,
      rootsOf: (book) => [book.title],
      compute: (_, name) => name,
      contribute: (value, _, contribute) => contribute(titles, '', value),
    };
    const asker: Query<Book, string> = {
      name: 'asker',
      level: 2,
      rootsOf: (book) => [book.author],
      compute: (reader) => `${reader.value(title, 'Emma')} of ${reader.entries(titles, '').length}`,
    };
    const shelf = new Engine<Book>({ indexes: [groupOf(byAuthor)], queries: [title, asker] });
    const values = (reader: Reader<Book>): readonly string[] => reader.entries(titles, '');
    shelf.apply([{ after: lyrics }]);
    expect([shelf.value(asker, 'Auden'), ...values(shelf)]).toEqual(['Emma of 1', 'Lyrics']);
    const overlay = shelf.with([{ after: emma }]);
    expect([overlay.value(asker, 'Auden'), ...values(overlay)]).toEqual(['Emma of 2', 'Lyrics', 'Emma']);
    shelf.apply([{ after: emma }]);
    expect([shelf.value(asker, 'Auden'), ...values(shelf)]).toEqual(['Emma of 2', 'Lyrics', 'Emma']);
    expect(values(shelf.with([{ before: emma }]))).toEqual(['Lyrics']);
    shelf.apply([{ before: emma }]);
    expect([shelf.value(asker, 'Auden'), ...values(shelf)]).toEqual(['Emma of 1', 'Lyrics']);
  });

  it('refuse to lose an object that they never had', () => {
    expect(() => shelfOf([]).apply([{ before: emma }])).toThrow('entry to remove is not in its index');
  });
});

describe('queries', () => {
  let counts: Computations;
  let queries: ReturnType<typeof shelfQueries>;

  beforeEach(() => {
    counts = new Map();
    queries = shelfQueries(counts);
  });

  it('are computed once', () => {
    const shelf = shelfOf([emma], queries);
    shelf.value(queries.debut, 'Austen');
    shelf.value(queries.debut, 'Austen');
    expect(counts.get('debut Austen')).toBe(1);
  });

  it('are computed again when what they read changes, and only then', () => {
    const shelf = shelfOf([emma, lyrics], queries);
    shelf.apply([{ after: persuasion }]);
    expect(counts.get('count Austen')).toBe(2);
    expect(counts.get('count Auden')).toBe(1);
  });

  it('stop the wave where their value is as before', () => {
    const shelf = shelfOf([emma, persuasion], queries);
    counts.clear();
    shelf.apply([{ after: { ...emma, title: 'Sanditon', year: 1925 } }]);
    expect(counts).toEqual(
      new Map([
        ['count Austen', 1], // 3 instead of 2
        ['is prolific Austen', 1], // still: the chronicles of 1815 and 1817 are not asked
        ['chronicle 1925', 1],
      ]),
    );
  });

  it('that read the first entry do not care for the others', () => {
    const shelf = shelfOf([emma], queries);
    expect(shelf.value(queries.debut, 'Austen')).toBe('Emma');
    shelf.apply([{ after: persuasion }]);
    expect(counts.get('debut Austen')).toBe(1);
    shelf.apply([{ after: { ...emma, title: 'Juvenilia', year: 1790 } }]);
    expect(shelf.value(queries.debut, 'Austen')).toBe('Juvenilia');
  });

  it('depend on what they did not find', () => {
    const shelf = shelfOf([], queries);
    expect(shelf.value(queries.debut, 'Austen')).toBeUndefined();
    shelf.apply([{ after: emma }]);
    expect(shelf.value(queries.debut, 'Austen')).toBe('Emma');
  });

  it('are forgotten once nothing reads them any more', () => {
    const computed: string[] = [];
    const printed: Query<Book, number> = {
      name: 'printed',
      level: 1,
      compute(reader, year) {
        computed.push(year);
        return reader.distinct(authorsOfYear, year).length;
      },
    };
    const rivals: Query<Book, number> = {
      name: 'rivals',
      level: 2,
      rootsOf: ({ author }) => (author === 'Austen' ? [author] : []),
      compute: (reader, author) => reader.value(printed, String(reader.first(byAuthor, author)?.year)),
    };
    const group = { concerns: () => true, sorted: [byAuthor], distinct: [authorsOfYear] };
    const shelf = new Engine<Book>({ indexes: [group], queries: [rivals] });
    shelf.apply([{ after: emma }]);
    shelf.apply([{ before: emma, after: persuasion }]);
    computed.length = 0;
    shelf.apply([{ after: lyrics }]); // of 1815, which concerns nobody now
    expect(computed).toEqual([]);
    shelf.apply([{ before: persuasion, after: emma }]);
    expect(shelf.value(rivals, 'Austen')).toBe(2);
  });

  it('see a derived index change', () => {
    const shelf = shelfOf([emma], queries);
    expect(shelf.value(queries.catalogue, 'A')).toEqual([]);
    shelf.apply([{ after: persuasion }]);
    expect(shelf.value(queries.catalogue, 'A')).toEqual(['Austen']);
  });

  it('are kept as long as an object is a reason for them', () => {
    const shelf = shelfOf([emma, lyrics], queries);
    expect([...shelf.roots(queries.chronicle)]).toEqual([['1815', ['Auden, Lyrics', 'Austen, Emma']]]);
    shelf.apply([{ before: lyrics, after: { ...lyrics, year: 1930 } }]);
    expect([...shelf.roots(queries.chronicle)].map(([year]) => year)).toEqual(['1815', '1930']);
    shelf.apply([{ before: emma }]);
    expect([...shelf.roots(queries.chronicle)].map(([year]) => year)).toEqual(['1930']);
  });

  it('are forgotten with what they alone have read', () => {
    const shelf = shelfOf([emma], queries);
    shelf.apply([{ before: emma }]);
    counts.clear();
    shelf.apply([{ after: emma }]);
    expect(counts).toEqual(
      new Map(
        ['count Austen', 'debut Austen', 'is prolific Austen', 'chronicle 1815', 'catalogue A'].map((name) => [
          name,
          1,
        ]),
      ),
    );
  });

  it('take what they filed with them', () => {
    const filed = { kind: 'derived', name: 'filed', compare: () => 0 } as const;
    const filing: Query<string, string> = {
      name: 'filing',
      level: 1,
      rootsOf: (object) => (object === 'reason' ? ['constant'] : []),
      compute: () => 'constant',
      contribute: (value, _, contribute) => contribute(filed, 'key', value),
    };
    const reading: Query<string, number> = {
      name: 'reading',
      level: 2,
      rootsOf: (object) => (object === 'reader' ? ['all'] : []),
      compute: (reader) => reader.entries(filed, 'key').length,
    };
    const engine = new Engine<string>({ indexes: [], queries: [filing, reading] });
    engine.apply([{ after: 'reason' }, { after: 'reader' }]);
    expect(engine.value(reading, 'all')).toBe(1);
    engine.apply([{ before: 'reason' }]);
    expect(engine.value(reading, 'all')).toBe(0);
  });

  it('that somebody asked for stay, without a reason of their own', () => {
    const shelf = shelfOf([emma], queries);
    shelf.value(queries.isProlific, 'Austen');
    shelf.apply([{ before: emma }]);
    expect(shelf.value(queries.isProlific, 'Austen')).toBe(false);
  });
});

describe('levels', () => {
  const objects: SortedIndex<string, string> = {
    kind: 'sorted',
    name: 'objects',
    entriesOf: (object) => [['', object]],
    compare: () => 0,
  };

  function read(level: number, readLevel: number): () => unknown {
    const inner: Query<string, number> = { name: 'inner', level: readLevel, compute: () => 1 };
    const outer: Query<string, number> = { name: 'outer', level, compute: (reader) => reader.value(inner, '') };
    return () => new Engine({ indexes: [groupOf(objects)], queries: [] }).value(outer, '');
  }

  it('are read from above only', () => {
    expect(read(2, 1)()).toBe(1);
    expect(read(1, 1)).toThrow("query 'inner' is read by a query of its own or a lower level");
    expect(read(1, 2)).toThrow("query 'inner' is read by a query of its own or a lower level");
  });

  it('are whole again after a query has thrown', () => {
    const failing: Query<string, number> = {
      name: 'failing',
      level: 1,
      compute: () => {
        throw new Error('a bug');
      },
    };
    const fine: Query<string, number> = { name: 'fine', level: 2, compute: () => 2 };
    const engine = new Engine<string>({ indexes: [groupOf(objects)], queries: [] });
    expect(() => engine.value(failing, '')).toThrow('a bug');
    expect(engine.value(fine, '')).toBe(2);
  });

  it('forbid a query to read what its own level files', () => {
    const derived = { kind: 'derived', name: 'derived', compare: () => 0 } as const;
    const reading: Query<string, number> = {
      name: 'reading',
      level: 1,
      rootsOf: () => ['r'],
      compute: (reader) => reader.entries(derived, 'key').length,
    };
    const filing: Query<string, string> = {
      name: 'filing',
      level: 1,
      rootsOf: (object) => [object],
      compute: (_, object) => object,
      contribute: (value, _, contribute) => contribute(derived, 'key', value),
    };
    const engine = new Engine<string>({ indexes: [groupOf(objects)], queries: [reading, filing] });
    expect(() => engine.apply([{ after: 'a' }])).toThrow(
      "query 'reading' reads what a query of its own or a higher level",
    );
  });
});

describe('an overlay', () => {
  it('has the values after the change, and tells which are new', () => {
    const queries = shelfQueries();
    const shelf = shelfOf([emma, lyrics], queries);
    const overlay = shelf.with([{ after: persuasion }]);
    expect(overlay.entries(byAuthor, 'Austen')).toEqual([emma, persuasion]);
    expect(overlay.entries(prolific, 'A')).toEqual(['Austen']);
    expect([...overlay.changes(queries.chronicle)]).toEqual([
      {
        argument: '1815',
        before: ['Auden, Lyrics', 'Austen, Emma'],
        after: ['Auden, Lyrics', 'prolific Austen, Emma'],
      },
      { argument: '1817', after: ['prolific Austen, Emma'] },
    ]);
  });

  it('computes again only what the change concerns', () => {
    const counts: Computations = new Map();
    const shelf = shelfOf([emma, persuasion, lyrics], shelfQueries(counts));
    counts.clear();
    shelf.with([{ before: persuasion, after: { ...persuasion, price: 99 } }]);
    expect(counts).toEqual(new Map([['count Austen', 1]]));
  });
});

const book: fc.Arbitrary<Book> = fc.record({
  title: fc.constantFrom('a', 'b', 'c', 'd'),
  author: fc.constantFrom('Auden', 'Austen', 'Burns'),
  year: fc.constantFrom(1815, 1817, 1930),
  price: fc.integer({ min: 1, max: 2 }),
});

/** What happens to the book with a title: it comes, is replaced or goes. */
interface Event {
  readonly book: Book;
  readonly isDelete: boolean;
}

const history = fc.array(fc.array(fc.record({ book, isDelete: fc.boolean() }), { minLength: 1, maxLength: 3 }), {
  maxLength: 8,
});

/** The changes that events are, on the books by title, which follow them. */
function play(books: Map<string, Book>, events: readonly Event[]): readonly ObjectChange<Book>[] {
  return events.map((event) => {
    const { title } = event.book;
    const before = books.get(title);
    if (event.isDelete) books.delete(title);
    else books.set(title, event.book);
    return { ...(before && { before }), ...(event.isDelete ? {} : { after: event.book }) };
  });
}

const authors = ['Auden', 'Austen', 'Burns', 'Nobody'];
const years = ['1815', '1817', '1930'];
const letters = ['A', 'B'];

/** Everything that the shelf can be asked. */
function answersOf(shelf: Reader<Book>, queries: ReturnType<typeof shelfQueries>): unknown {
  return {
    books: authors.map((author) => [...shelf.entries(byAuthor, author)]),
    firsts: authors.map((author) => shelf.first(byAuthor, author)),
    authors: years.map((year) => shelf.distinct(authorsOfYear, year)),
    prolific: letters.map((letter) => [...shelf.entries(prolific, letter)]),
    counts: authors.map((author) => shelf.value(queries.count, author)),
    debuts: authors.map((author) => shelf.value(queries.debut, author)),
    isProlific: authors.map((author) => shelf.value(queries.isProlific, author)),
    chronicles: years.map((year) => shelf.value(queries.chronicle, year)),
    catalogues: letters.map((letter) => shelf.value(queries.catalogue, letter)),
  };
}

function rootsOf(shelf: Engine<Book>, queries: ReturnType<typeof shelfQueries>): unknown {
  const sorted = (query: Query<Book, unknown>) => [...shelf.roots(query)].sort(([a], [b]) => (a < b ? -1 : 1));
  return [queries.count, queries.chronicle, queries.catalogue].map(sorted);
}

describe('whatever happens', { timeout: patience }, () => {
  it('an engine says what a new one says about the same objects', () => {
    property(history, 600, (batches) => {
      const queries = shelfQueries();
      const books = new Map<string, Book>();
      const shelf = shelfOf([], queries);
      for (const batch of batches) {
        shelf.apply(play(books, batch));
        const fresh = shelfOf([...books.values()], queries);
        expect(rootsOf(shelf, queries)).toEqual(rootsOf(fresh, queries));
        expect(answersOf(shelf, queries)).toEqual(answersOf(fresh, queries));
      }
    });
  });

  it('an overlay says what the engine says once it has the same changes', () => {
    property(history, 600, (batches) => {
      const queries = shelfQueries();
      const books = new Map<string, Book>();
      const shelf = shelfOf([], queries);
      for (const batch of batches) {
        const before = answersOf(shelf, queries);
        const changes = play(books, batch);
        const overlay = shelf.with(changes);
        const promised = answersOf(overlay, queries);
        expect(answersOf(shelf, queries), 'the engine stays as it is').toEqual(before);
        shelf.apply(changes);
        expect(promised).toEqual(answersOf(shelf, queries));
      }
    });
  });
});
