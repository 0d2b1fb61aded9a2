import { describe, expect, it } from 'vitest';
import { Cell, CountBucket, SortedBucket, SortedDelta } from '../../src/mesh/bucket.ts';

interface Entry {
  readonly rank: number;
  readonly name: string;
}

const byRank = { compare: (a: Entry, b: Entry): number => a.rank - b.rank };
const a1 = { rank: 1, name: 'a' };
const b1 = { rank: 1, name: 'b' };
const c2 = { rank: 2, name: 'c' };

function bucketOf(...entries: Entry[]): SortedBucket<never, Entry> {
  const bucket = new SortedBucket<never, Entry>();
  for (const entry of entries) bucket.add(entry, byRank);
  return bucket;
}

/** A cell that reads others. */
class Reader extends Cell<Reader> {}

describe('Cell', () => {
  it('has its readers, each once, however many come and go', () => {
    const readers = Array.from({ length: 20 }, () => new Reader());
    const cell = new Reader();
    for (const [index, reader] of readers.entries()) {
      cell.addReader(reader);
      cell.addReader(reader);
      expect(new Set(cell.readers())).toEqual(new Set(readers.slice(0, index + 1)));
      expect([...cell.readers()]).toHaveLength(index + 1);
    }
    for (const [index, reader] of readers.entries()) {
      expect(cell.isRead).toBe(true);
      cell.removeReader(reader);
      expect([...cell.readers()]).toEqual(readers.slice(index + 1));
    }
    expect(cell.isRead).toBe(false);
  });

  it('loses the readers of a list too', () => {
    const [a, b, c] = [new Reader(), new Reader(), new Reader()];
    const cell = new Reader();
    for (const reader of [a, b, c]) cell.addReader(reader);
    cell.removeReader(b);
    expect([...cell.readers()]).toEqual([a, c]);
    cell.removeReader(c);
    cell.removeReader(b); // none any more
    expect([...cell.readers()]).toEqual([a]);
    cell.removeReader(a);
    expect(cell.isRead).toBe(false);
  });
});

describe('SortedBucket', () => {
  it('keeps entries in order, equal ones as they came', () => {
    expect(bucketOf(c2, a1, b1).items).toEqual([a1, b1, c2]);
  });

  it('tells when the first changes', () => {
    const bucket = bucketOf(c2);
    expect(bucket.add(b1, byRank)).toBe(true);
    expect(bucket.add(a1, byRank)).toBe(false); // equal in order: behind b1
    expect(bucket.remove(c2, byRank)).toBe(false);
    expect(bucket.remove(b1, byRank)).toBe(true);
    expect(bucket.items).toEqual([a1]);
  });

  it('removes that very entry among equal ones', () => {
    const twin = { ...a1 };
    const bucket = bucketOf(a1, twin);
    bucket.remove(twin, byRank);
    expect(bucket.items[0]).toBe(a1);
  });

  it('refuses to remove what is not there', () => {
    expect(() => bucketOf(a1).remove({ ...a1 }, byRank)).toThrow('entry to remove is not in its index');
  });
});

describe('SortedDelta', () => {
  it('adds to and takes from a bucket without touching it', () => {
    const bucket = bucketOf(a1, c2);
    const delta = new SortedDelta(bucket, byRank);
    delta.remove(a1);
    delta.add(b1);
    expect(delta.items()).toEqual([b1, c2]);
    expect(delta.first()).toBe(b1);
    expect(bucket.items).toEqual([a1, c2]);
  });

  it('has what was added again where it was', () => {
    const delta = new SortedDelta(bucketOf(a1, b1), byRank);
    delta.remove(a1);
    delta.add(a1);
    expect(delta.items()).toEqual([a1, b1]);
  });

  it('forgets what was added and taken back', () => {
    const delta = new SortedDelta(bucketOf(), byRank);
    delta.add(a1);
    delta.remove(a1);
    expect(delta.items()).toEqual([]);
    expect(delta.first()).toBeUndefined();
  });

  it('puts what is new behind what is equal in order', () => {
    const delta = new SortedDelta(bucketOf(a1), byRank);
    delta.add(b1);
    expect(delta.first()).toBe(a1);
    expect(delta.items()).toEqual([a1, b1]);
  });

  it('works without a bucket', () => {
    const delta = new SortedDelta<never, Entry>(undefined, byRank);
    delta.add(c2);
    delta.add(a1);
    expect(delta.items()).toEqual([a1, c2]);
  });
});

describe('CountBucket', () => {
  it('has a string as long as somebody files it', () => {
    const bucket = new CountBucket<never>();
    expect(bucket.change('x', 1)).toBe(true);
    expect(bucket.change('x', 1)).toBe(false);
    expect(bucket.change('x', -1)).toBe(false);
    expect(bucket.distinct()).toEqual(['x']);
    expect(bucket.change('x', -1)).toBe(true);
    expect(bucket.distinct()).toEqual([]);
  });

  it('counts each string', () => {
    const bucket = new CountBucket<never>();
    bucket.change('x', 1);
    bucket.change('y', 2);
    bucket.change('x', 1);
    expect(['x', 'y', 'z'].map((entry) => bucket.countOf(entry))).toEqual([2, 2, 0]);
    bucket.change('x', -2);
    bucket.change('y', -1);
    expect(bucket.distinct()).toEqual(['y']);
    expect(bucket.change('y', -1)).toBe(true);
    expect(bucket.change('z', 1)).toBe(true);
    expect(bucket.distinct()).toEqual(['z']);
  });

  it('sorts its strings', () => {
    const bucket = new CountBucket<never>();
    bucket.change('b', 1);
    expect(bucket.distinct()).toEqual(['b']);
    bucket.change('a', 1);
    expect(bucket.distinct()).toEqual(['a', 'b']);
  });
});
