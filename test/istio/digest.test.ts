import { expect, test } from 'vitest';
import { digestOf } from '../../src/istio/digest.ts';

test('the order of lists and fields does not count', () => {
  const one = { from: [{ source: { namespaces: ['a', 'b'] } }], when: [{ key: 'k', values: ['x'] }] };
  const other = { when: [{ values: ['x'], key: 'k' }], from: [{ source: { namespaces: ['b', 'a'] } }] };
  expect(digestOf(one)).toBe(digestOf(other));
  expect(digestOf(one)).toMatch(/^[0-9a-f]{8}$/);
});

test.each<[unknown, unknown]>([
  [{ values: ['a'] }, { notValues: ['a'] }],
  [['a'], ['a', 'a']],
  ['1', 1],
  [{ a: [['b'], 'c'] }, { a: ['b', ['c']] }],
  [{}, []],
])('%j differs from %j', (one, other) => {
  expect(digestOf(one)).not.toBe(digestOf(other));
});
