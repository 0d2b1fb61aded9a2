import { describe, expect, test } from 'vitest';
import {
  covers,
  fqdn,
  hostPatternsOf,
  indexKeyOf,
  isWildcard,
  moreSpecificFirst,
  mostSpecific,
  overlaps,
} from '../../src/istio/hosts.ts';
import { fc } from '../fast-check.ts';

/** Names over a tiny alphabet, so that they meet often; wildcards stand for a label or begin one. */
const label = fc.stringMatching(/^[ab]{1,2}$/);
const exact = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const wildcard = fc.oneof(
  fc.constant('*'),
  exact.map((name) => `*.${name}`),
  exact.map((name) => `*${name}`),
);
const host = fc.oneof(exact, wildcard);

describe('covers', () => {
  // pkg/config/host/name_test.go TestNameSubsetOf
  test.each([
    ['', '', true],
    ['foo.com', '', false],
    ['', 'foo.com', false],
    ['foo.com', 'foo.com', true],
    ['foo.com', 'bar.com', false],
    ['foo.com', 'bar.foo.com', false],
    ['bar.foo.com', 'foo.com', false],
    ['*.com', 'foo.com', true],
    ['*.foo.com', 'bar.foo.com', true],
    ['*', 'foo.com', true],
    ['*', '*.com', true],
    ['*', 'com', true],
    ['*', '*', true],
    ['*', '', true],
    ['*.com', '*.foo.com', true],
    ['foo.com', '*.foo.com', false],
    ['baz', '*.foo.bar.baz', false],
    ['*.baz', 'foo.bar.baz', true],
    // name.go SubsetOf, branch by branch
    ['*.com', '*', false], // both wildcards, the host is the shorter
    ['*.foo.com', 'foo.com', false], // the suffix begins with the dot
    ['*.foo.com', 'a.b.foo.com', true], // any number of labels
    ['*foo.com', 'barfoo.com', true], // plain suffix, not whole labels
    ['*foo.com', '*.foo.com', true],
    ['*.foo.com', '*foo.com', false],
    ['*.facebook.COM', 'a.facebook.com', false], // case-sensitive
  ])('pattern %j covers host %j: %j', (pattern, name, expected) => {
    expect(covers(pattern, name)).toBe(expected);
  });

  test('every host covers itself', () => {
    fc.assert(fc.property(host, (a) => covers(a, a)));
  });

  test('what covers a cover covers the host', () => {
    fc.assert(fc.property(host, host, host, (a, b, c) => !(covers(a, b) && covers(b, c)) || covers(a, c)));
  });
});

describe('overlaps', () => {
  // pkg/config/host/name_test.go TestNameMatches
  test.each([
    ['', '', true],
    ['a.facebook.com', '*.facebook.COM', false],
    ['', 'foo.com', false],
    ['foo.com', '', false],
    ['foo.com', 'foo.com', true],
    ['bar.com', 'foo.com', false],
    ['bar.foo.com', 'foo.com', false],
    ['*.com', 'foo.com', true],
    ['*.foo.com', 'bar.foo.com', true],
    ['*', '*.com', true],
    ['*', '', true],
    ['*.com', '*.foo.com', true],
    ['foo.com', '*.foo.com', false],
    ['*.foo.com', 'foo.com', false],
    ['*.foo.bar.baz', 'baz', false],
    ['*.foo.bar.baz', '*.baz', true],
    ['foo.bar.baz', '*.baz', true],
    ['*.a.com', '*.b.com', false], // name.go Matches: neither suffix ends with the other
  ])('%j and %j: %j', (a, b, expected) => {
    expect(overlaps(a, b)).toBe(expected);
  });

  test('is symmetric', () => {
    fc.assert(fc.property(host, host, (a, b) => overlaps(a, b) === overlaps(b, a)));
  });

  test('a cover overlaps', () => {
    fc.assert(fc.property(host, host, (a, b) => !covers(a, b) || overlaps(a, b)));
  });
});

describe('moreSpecificFirst', () => {
  // pkg/config/host/names.go MoreSpecific
  test.each([
    [['*.com', 'a.com'], ['a.com', '*.com'], 'exact before wildcard'],
    [['*', 'b.co', 'a.b.co', '*.co', '*.b.co'], ['a.b.co', 'b.co', '*.b.co', '*.co', '*'], 'longer before shorter'],
    [['b.com', 'a.com', '*.b.com', '*.a.com'], ['a.com', 'b.com', '*.a.com', '*.b.com'], 'then alphabetically'],
    [['*.looooong.com', 'a.b'], ['a.b', '*.looooong.com'], 'a short exact name beats a long wildcard'],
  ])('%j sorts to %j: %s', (hosts, expected) => {
    expect([...hosts].sort(moreSpecificFirst)).toEqual(expected);
  });
});

describe('mostSpecific', () => {
  // pilot/pkg/model/config_test.go TestMostSpecificHostMatch
  test.each([
    [[], '*', undefined],
    [['*.foo.com', '*.com'], 'bar.foo.com', '*.foo.com'],
    [['*.foo.com', '*.com'], 'foo.com', '*.com'],
    [['foo.com', '*.com'], '*.foo.com', '*.com'],
    [['*.foo.com', 'foo.com'], 'foo.com', 'foo.com'],
    [['*.foo.com', 'foo.com'], '*.foo.com', '*.foo.com'],
    [['bar.com', 'foo.com'], '*.com', undefined],
    [['bar.com', '*.foo.com'], '*foo.com', undefined],
    [['foo.com', '*.foo.com'], '*foo.com', undefined],
    [['*.bar.com', 'foo.bar.com'], 'foo.bar.com', 'foo.bar.com'],
    [['*.foo.bar.com', 'bar.foo.bar.com'], 'bar.foo.bar.com', 'bar.foo.bar.com'],
    [['bar.foo.com', 'foo.bar.com'], '*.foo.com', undefined],
    [['foo.bar.foo.com', 'bar.foo.bar.com'], '*.bar.foo.com', undefined],
  ])('of %j for %j is %j', (patterns, name, expected) => {
    expect(mostSpecific(name, patterns)).toBe(expected);
  });

  test('covers the host, and no other that does is more specific', () => {
    fc.assert(
      fc.property(host, fc.array(host), (name, patterns) => {
        const best = mostSpecific(name, patterns);
        const covering = patterns.filter((pattern) => covers(pattern, name));
        if (best === undefined) expect(covering).toEqual([]);
        else expect(covering.toSorted(moreSpecificFirst)[0]).toBe(best);
      }),
    );
  });
});

describe('fqdn', () => {
  // pilot/pkg/model/config_test.go TestResolveShortnameToFQDN
  test.each([
    ['', 'default', 'cluster.local', ''],
    ['*', '', '', '*'],
    ['*', 'default', 'cluster.local', '*'],
    ['foo', 'default', 'cluster.local', 'foo.default.svc.cluster.local'],
    ['foo.bar', 'default', 'cluster.local', 'foo.bar'],
    ['foo', '', 'cluster.local', 'foo.svc.cluster.local'],
    ['foo', 'default', '', 'foo.default'],
    ['42.185.131.210', 'default', '', '42.185.131.210'],
    ['2a00:4000::614', 'default', '', '2a00:4000::614'],
    ['*foo', 'default', 'cluster.local', '*foo.default.svc.cluster.local'], // config.go: only `*` alone is complete
  ])('of %j in namespace %j and domain %j is %j', (name, namespace, domain, expected) => {
    expect(fqdn(name, namespace, domain)).toBe(expected);
  });
});

describe('hostPatternsOf', () => {
  test.each([
    ['a.b.com', ['a.b.com', '*.b.com', '*.com', '*']],
    ['*.b.com', ['*.b.com', '*.com', '*']],
    ['*foo.com', ['*foo.com', '*.com', '*']],
    ['localhost', ['localhost', '*']],
    ['*', ['*']],
  ])('of %j are %j', (name, expected) => {
    expect(hostPatternsOf(name)).toEqual(expected);
  });

  test('are distinct, most specific first, and all cover the host', () => {
    fc.assert(
      fc.property(host, (name) => {
        const patterns = hostPatternsOf(name);
        expect(new Set(patterns).size).toBe(patterns.length);
        expect(patterns.every((pattern) => covers(pattern, name))).toBe(true);
        expect(patterns.toSorted(moreSpecificFirst)).toEqual(patterns);
      }),
    );
  });

  test('contain the index key of every pattern that covers the host', () => {
    fc.assert(
      fc.property(
        host,
        host,
        (pattern, name) => !covers(pattern, name) || hostPatternsOf(name).includes(indexKeyOf(pattern)),
      ),
    );
  });
});

describe('indexKeyOf', () => {
  test.each([
    ['a.com', 'a.com'],
    ['*.a.com', '*.a.com'],
    ['*a.com', '*.com'],
    ['*-a.b.com', '*.b.com'],
    ['*a', '*'],
    ['*', '*'],
  ])('of %j is %j', (pattern, expected) => {
    expect(indexKeyOf(pattern)).toBe(expected);
  });
});

describe('isWildcard', () => {
  // pkg/config/host/name.go IsWildCarded: the first character decides
  test.each([
    ['*', true],
    ['*.com', true],
    ['a.*.com', false],
    ['', false],
  ])('%j: %j', (name, expected) => {
    expect(isWildcard(name)).toBe(expected);
  });
});
