import { describe, expect, test } from 'vitest';
import { flawedValues } from '../../src/istio/policy-values.ts';

const flaw = (principal: string, trustDomains = ['cluster.local']): string | undefined =>
  [...flawedValues({ from: [{ source: { principals: [principal] } }] }, 'spec.rules[0]', trustDomains)][0]?.fix;

describe('a principal', () => {
  // pilot/pkg/security/authz/matcher/string.go, trustdomain/bundle.go
  test.each([
    'cluster.local/ns/team-b/sa/x',
    'partner.example/ns/shop/sa/web',
    'cluster.local/ns/team-b/*',
    'cluster.local/ns/te*',
    'cluster.local/*',
    'cluster*',
    '*',
    '*/ns/team-b/sa/x',
    '*team-b/sa/x',
    '*-batch',
  ])('may match: %s', (principal) => {
    expect(flaw(principal)).toBeUndefined();
  });

  test.each([
    ['spiffe://cluster.local/ns/team-b/sa/x', "write 'cluster.local/ns/team-b/sa/x'"],
    ['*/ns/team-b/*', 'use `namespaces` instead'],
    ['cluster.local/ns/*/sa/x', 'use `namespaces` instead'],
    ['x', 'write the principal in that form, or use `namespaces`'],
    ['team-b/x', 'write the principal in that form, or use `namespaces`'],
    ['cluster.local/ns/team-b', 'write the principal in that form, or use `namespaces`'],
    ['cluster.local/team-b/*', 'write the principal in that form, or use `namespaces`'],
    ['cluster.local/ns/team-b/x', 'write the principal in that form, or use `namespaces`'],
    ['cluster.local/ns/team-b/sa/x/y', 'write the principal in that form, or use `namespaces`'],
    ['cluster.local/namespace/*', 'write the principal in that form, or use `namespaces`'],
  ])('matches no identity: %s', (principal, fix) => {
    expect(flaw(principal)).toBe(fix);
  });

  test('of cluster.local stands for another trust domain only with five parts', () => {
    expect(flaw('cluster.local/ns/team-b/sa/x', ['corp.example'])).toBeUndefined();
    expect(flaw('cluster.local/ns/team-b/sa/*', ['corp.example'])).toBeUndefined();
    expect(flaw('cluster.local/ns/team-b/*', ['corp.example'])).toBe("write 'corp.example/ns/team-b/*'");
    expect(flaw('cluster.local/ns/team-b/*', ['corp.example', 'cluster.local'])).toBeUndefined();
    expect(flaw('corp.example/ns/team-b/*', ['corp.example'])).toBeUndefined();
  });
});

describe('an SNI', () => {
  const flawOf = (sni: string): string | undefined =>
    [...flawedValues({ when: [{ key: 'connection.sni', values: [sni] }] }, 'spec.rules[0]', ['cluster.local'])][0]?.fix;

  test.each(['api.example.com', '*.example.com', 'api.*', '*', 'outbound_.80_._.gw.ns.svc.cluster.local'])(
    'may match: %s',
    (sni) => expect(flawOf(sni)).toBeUndefined(),
  );

  test.each([
    ['API.example.com', "write 'api.example.com'"],
    ['api.example.com:443', "write 'api.example.com'"],
    ['https://api.example.com/v1', "write 'api.example.com'"],
    ['*.example.com:8443', "write '*.example.com'"],
    ['API.example.com:443', "write 'api.example.com'"],
    ['api.*.com', 'write out the names that are meant'],
    ['*.example.*', 'write out the names that are meant'],
  ])('is never seen: %s', (sni, fix) => expect(flawOf(sni)).toBe(fix));
});

test('names the place of each value in its list', () => {
  const rule = {
    from: [{ source: {} }, { source: { principals: ['a*', 'x'] } }],
    when: [
      { key: 'source.principal', values: ['y'] },
      { key: 'connection.sni', values: ['a.example.com', 'B.example.com', '*.Example.com'] },
      { key: 'request.headers[x]', values: ['A'] },
    ],
  };
  expect([...flawedValues(rule, 'spec.rules[2]', ['cluster.local'])].map(({ field, value }) => [field, value])).toEqual(
    [
      ['spec.rules[2].from[1].source.principals[1]', 'x'],
      ['spec.rules[2].when[0].values[0]', 'y'],
      ['spec.rules[2].when[1].values[1]', 'B.example.com'],
      ['spec.rules[2].when[1].values[2]', '*.Example.com'],
    ],
  );
});

test('values that exclude are not looked at', () => {
  const rule = {
    from: [{ source: { notPrincipals: ['x'] } }],
    when: [{ key: 'connection.sni', notValues: ['A'] }],
  };
  expect([...flawedValues(rule, 'spec.rules[0]', ['cluster.local'])]).toEqual([]);
});
