import { describe, expect, test } from 'vitest';
import {
  hostMatcher,
  matchesAny,
  matchesText,
  namespaceMatchers,
  plainMatcher,
  principalMatchers,
  serviceAccountMatchers,
  spiffeUri,
  trustDomainMatchers,
} from '../../src/istio/string-match.ts';

const mesh = ['cluster.local'];
const sleep = spiffeUri('cluster.local', 'team-a', 'sleep');

describe('plainMatcher', () => {
  // pilot/pkg/security/authz/matcher/string.go StringMatcherWithPrefix, string_test.go TestStringMatcherWithPrefix
  test.each([
    ['abc', 'abc', true],
    ['abc', 'abcd', false],
    ['abc', 'ABC', false], // ignoreCase false
    ['abc*', 'abcd', true],
    ['abc*', 'abc', true],
    ['abc*', 'xabc', false],
    ['*abc', 'xabc', true],
    ['*abc', 'abcx', false],
    ['*', 'anything', true],
    ['*', '', false], // `.+`, not `.*`
    ['*abc*', 'xabc*', true], // a leading `*` wins, the other is literal
    ['*abc*', 'xabcx', false],
    ['a*c', 'abc', false], // `*` in the middle is literal
    ['a*c', 'a*c', true],
  ])('%j matches %j: %j', (value, text, expected) => {
    expect(matchesText(plainMatcher(value), text)).toBe(expected);
  });
});

describe('hostMatcher', () => {
  // pilot/pkg/security/authz/matcher/header.go HostMatcher: ignoreCase true
  test.each([
    ['API.Example.com', 'api.example.com', true],
    ['*.EXAMPLE.com', 'api.example.com', true],
    ['API.*', 'api.example.com', true],
    ['api.example.com', 'api.example.com:80', false],
    ['api.example.com:*', 'api.example.com:80', true],
    ['*.example.com', 'example.com', false],
  ])('%j matches authority %j: %j', (value, authority, expected) => {
    expect(matchesText(hostMatcher(value), authority)).toBe(expected);
  });
});

describe('principalMatchers', () => {
  // pilot/pkg/security/authz/model/generator.go srcPrincipalGenerator: the value behind `spiffe://`
  test.each([
    ['cluster.local/ns/team-a/sa/sleep', sleep, true],
    ['cluster.local/ns/team-a/sa/slee', sleep, false],
    ['cluster.local/ns/team-a/*', sleep, true],
    ['*/ns/team-a/sa/sleep', sleep, true],
    ['*/sa/sleep', sleep, true],
    ['*', sleep, true],
    ['*', '', false], // a connection without client certificate has the empty subject
    ['spiffe://cluster.local/ns/team-a/sa/sleep', sleep, false], // becomes spiffe://spiffe://…
    ['*/ns/team-a/*', sleep, false], // string.go: QuoteMeta of the rest, its `*` included
    ['cluster.local/ns/*/sa/sleep', sleep, false],
    ['cluster.local/ns/*/sa/sleep', 'spiffe://cluster.local/ns/*/sa/sleep', true],
    ['*spiffe://x', 'spiffe://x', false], // the suffix stands behind the scheme, it does not overlap it
  ])('%j matches %j: %j', (value, uri, expected) => {
    expect(matchesAny(principalMatchers([value], mesh), uri)).toBe(expected);
  });

  // trustdomain/bundle.go: five parts are rewritten, four are not
  test.each([
    ['cluster.local/ns/team-a/sa/*', true],
    ['cluster.local/ns/team-a/*', false],
    ['old.example/ns/team-a/sa/x', true],
    ['foreign.example/ns/team-a/sa/x', false],
    ['*/ns/team-a/sa/x', true],
  ])('%j matches a client of trust domain corp.example with alias old.example: %j', (value, expected) => {
    const uri = spiffeUri('corp.example', 'team-a', 'x');
    expect(matchesAny(principalMatchers([value], ['corp.example', 'old.example']), uri)).toBe(expected);
  });
});

describe('namespaceMatchers', () => {
  // generator.go srcNamespaceGenerator: `.*/ns/VALUE/.*`, each `*` of the value is `.*`; TestNamespaceMatcherRegex_Match
  test.each([
    ['team-a', sleep, true],
    ['team', sleep, false],
    ['eam-a', sleep, false],
    ['team-*', sleep, true],
    ['*-a', sleep, true],
    ['t*m*a', sleep, true],
    ['*', sleep, true],
    ['*', '', false],
    ['ns.prod', 'spiffe://cluster.local/ns/nsXprod/sa/admin', false],
    ['ns.*.prod', 'spiffe://cluster.local/ns/ns.any.prod/sa/admin', true],
    ['ns.*.prod', 'spiffe://cluster.local/ns/nsXanyXprod/sa/admin', false],
    ['te*sa', sleep, true], // `.*` runs over `/`: the piece `sa/` is found behind the namespace
  ])('%j matches %j: %j', (value, uri, expected) => {
    expect(matchesAny(namespaceMatchers([value]), uri)).toBe(expected);
  });
});

describe('serviceAccountMatchers', () => {
  // generator.go serviceAccountRegex, TestServiceAccount
  test.each([
    ['team-a/sleep', 'istio-egress', sleep, true],
    ['sleep', 'istio-egress', sleep, false], // of the policy's own namespace
    ['sleep', 'team-a', sleep, true],
    ['team-a/sleep', 'x', `${sleep}-suffix`, false],
    ['team-a/sleep', 'x', 'spiffe://cluster.local/ns/team-a-suffix/sa/sleep', false],
    ['team-a/sleep', 'x', 'cluster.local/ns/team-a/sa/sleep', false],
    ['team-a/sleep', 'x', 'spiffe://ns/team-a/sa/sleep', false],
    ['team-a/sleep', 'x', 'spiffe://cluster.local/sa/sleep', false],
    ['team.a/sleep', 'x', sleep, false], // metacharacters are quoted
  ])('%j of a policy in %j matches %j: %j', (value, policyNamespace, uri, expected) => {
    expect(matchesAny(serviceAccountMatchers([value], policyNamespace), uri)).toBe(expected);
  });
});

describe('trustDomainMatchers', () => {
  // generator.go srcTrustDomainGenerator
  test.each([
    ['*', true],
    ['corp.example', true],
    ['old.example', true], // bundle.go ExpandTrustDomainAliases
    ['corp', false],
    ['corp.*', true],
    ['*.example', true],
    ['*corp.example', true],
    ['*.local', false],
    ['cluster.local', false],
  ])('%j matches a client of corp.example with alias old.example: %j', (value, expected) => {
    const uri = spiffeUri('corp.example', 'team-a', 'x.example');
    expect(matchesAny(trustDomainMatchers([value], ['corp.example', 'old.example']), uri)).toBe(expected);
  });

  test('`*` needs an identity', () => {
    expect(matchesAny(trustDomainMatchers(['*'], mesh), '')).toBe(false);
  });
});
