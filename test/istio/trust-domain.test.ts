import { describe, expect, test } from 'vitest';
import { expandTrustDomains, replaceTrustDomains, trustDomainsOf } from '../../src/istio/trust-domain.ts';

describe('replaceTrustDomains', () => {
  // pilot/pkg/security/trustdomain/bundle_test.go TestReplaceTrustDomainAliases
  test.each([
    [
      'the own trust domain stays',
      'cluster.local',
      [],
      ['cluster.local/ns/foo/sa/bar'],
      ['cluster.local/ns/foo/sa/bar'],
    ],
    ['`*` stays', 'cluster.local', [], ['*'], ['*']],
    ['`*` as trust domain stays', 'cluster.local', [], ['*/ns/foo/sa/bar'], ['*/ns/foo/sa/bar']],
    ['an alias becomes both', 'td2', ['td1'], ['td1/ns/foo/sa/bar'], ['td2/ns/foo/sa/bar', 'td1/ns/foo/sa/bar']],
    [
      'each principal becomes one per trust domain',
      'td1',
      ['cluster.local'],
      ['cluster.local/ns/foo/sa/bar', 'cluster.local/ns/yyy/sa/zzz'],
      ['td1/ns/foo/sa/bar', 'cluster.local/ns/foo/sa/bar', 'td1/ns/yyy/sa/zzz', 'cluster.local/ns/yyy/sa/zzz'],
    ],
    [
      'principals that leave the trust domain open stay',
      'td1',
      ['cluster.local'],
      ['*/ns/foo/sa/bar', '*sa/zzz', '*'],
      ['*/ns/foo/sa/bar', '*sa/zzz', '*'],
    ],
    [
      'a suffix of an alias stays for the alias',
      'td2',
      ['foo-td1', 'cluster.local'],
      ['*-td1/ns/foo/sa/bar'],
      ['td2/ns/foo/sa/bar', '*-td1/ns/foo/sa/bar', 'cluster.local/ns/foo/sa/bar'],
    ],
    ['a foreign trust domain stays', 'td1', ['td2'], ['some-td/ns/foo/sa/bar'], ['some-td/ns/foo/sa/bar']],
    ['an empty trust domain stays', 'new-td', ['td2', 'td3'], ['/ns/some-ns/sa/some-sa'], ['/ns/some-ns/sa/some-sa']],
    ['no duplicates', 'new-td', ['old-td'], ['*-td/ns/some-ns/sa/some-sa'], ['*-td/ns/some-ns/sa/some-sa']],
    // bundle.go: `cluster.local` is a pointer to the local trust domain even where it is none itself
    ['cluster.local is the own one', 'corp.example', [], ['cluster.local/ns/a/sa/b'], ['corp.example/ns/a/sa/b']],
    [
      'five parts with a prefix are replaced',
      'corp.example',
      [],
      ['cluster.local/ns/a/sa/*'],
      ['corp.example/ns/a/sa/*'],
    ],
    // bundle.go isTrustDomainBeingEnforced: exactly five parts
    ['four parts stay', 'corp.example', [], ['cluster.local/ns/a/*'], ['cluster.local/ns/a/*']],
    [
      'with spiffe:// there are seven parts',
      'corp.example',
      [],
      ['spiffe://cluster.local/ns/a/sa/b'],
      ['spiffe://cluster.local/ns/a/sa/b'],
    ],
  ])('%s', (_, trustDomain, aliases, principals, expected) => {
    expect(replaceTrustDomains(principals, trustDomainsOf(trustDomain, aliases))).toEqual(expected);
  });
});

describe('expandTrustDomains', () => {
  // bundle.go ExpandTrustDomainAliases
  test.each([
    ['a trust domain of the mesh becomes all', ['td1'], ['td2', 'td1']],
    ['a foreign one stays', ['other'], ['other']],
    ['cluster.local is no pointer here', ['cluster.local'], ['cluster.local']],
    ['a wildcard is not expanded', ['td*'], ['td*']],
    ['duplicates fall away', ['td1', 'td2', 'x', 'x'], ['td2', 'td1', 'x']],
  ])('%s', (_, values, expected) => {
    expect(expandTrustDomains(values, trustDomainsOf('td2', ['td1']))).toEqual(expected);
  });
});
