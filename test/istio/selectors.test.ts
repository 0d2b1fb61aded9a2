import { describe, expect, test } from 'vitest';
import type { Labels } from '../../src/istio/resources.ts';
import { labelsKey, selects } from '../../src/istio/selectors.ts';
import { viewerOf } from '../../src/istio/viewer.ts';

// pkg/config/labels/instance.go SubsetOf
const rows: readonly (readonly [selector: Labels, labels: Labels, expected: boolean])[] = [
  [{}, {}, true],
  [{}, { app: 'a' }, true], // an empty selector selects everything
  [{ app: 'a' }, { app: 'a', version: 'v1' }, true],
  [{ app: 'a', version: 'v1' }, { app: 'a' }, false],
  [{ app: 'a' }, { app: 'b' }, false],
  [{ app: 'a' }, { app: 'A' }, false],
  [{ app: '' }, {}, false], // an empty value is a value
  [{ app: '' }, { app: '' }, true],
  [{ toString: 'a' }, {}, false], // nothing is inherited
];

describe('selects', () => {
  test.each(rows)('%j selects %j: %j', (selector, labels, expected) => {
    expect(selects(selector, labels)).toBe(expected);
  });
});

describe('a viewer', () => {
  test.each(rows)('has labels %j, of %j: %j', (selector, labels, expected) => {
    expect(viewerOf('ns', labels).hasLabels(selector)).toBe(expected);
  });

  test('is in one namespace', () => {
    expect(viewerOf('ns', {}).isIn('ns')).toBe(true);
    expect(viewerOf('ns', {}).isIn('other')).toBe(false);
  });
});

describe('labelsKey', () => {
  test.each<[a: Labels, b: Labels, equal: boolean]>([
    [{ a: '1', b: '2' }, { b: '2', a: '1' }, true],
    [{ a: '1' }, { a: '2' }, false],
    [{ a: '1' }, {}, false],
    [{ a: '1,b=2' }, { a: '1', b: '2' }, false],
  ])('of %j and %j is the same: %j', (a, b, equal) => {
    expect(labelsKey(a) === labelsKey(b)).toBe(equal);
  });
});
