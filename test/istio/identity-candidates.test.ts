import { describe, expect, test } from 'vitest';
import { compilePolicy, evaluatePolicy } from '../../src/istio/authorization.ts';
import type { Facts } from '../../src/istio/authorization-facts.ts';
import { never } from '../../src/istio/authorization-truth.ts';
import { identityCandidates } from '../../src/istio/identity-candidates.ts';
import type { AuthorizationPolicyRule } from '../../src/istio/resources.gen.ts';

const rest: Omit<Facts, 'identity'> = {
  chain: 'http',
  sni: 'api.example.com',
  sniIsClients: false,
  podPort: 8080,
  host: 'api.example.com',
  authority: 'api.example.com',
  authorityIsClients: true,
};

/** True when one of the candidates satisfies the rule. */
function isSatisfied(rule: AuthorizationPolicyRule, ownNamespace?: string): boolean {
  const metadata = { name: 'p', namespace: 'own', labels: {}, annotations: {}, created: 0, place: 0 };
  const resource = { kind: 'AuthorizationPolicy' as const, metadata, spec: { action: 'DENY' as const, rules: [rule] } };
  const policy = compilePolicy(resource, { trustDomain: 'corp.example', trustDomainAliases: [] });
  const candidates = identityCandidates(rule, {
    trustDomain: 'corp.example',
    ...(ownNamespace !== undefined && { ownNamespace }),
  });
  return candidates.some((identity) => evaluatePolicy(policy, { ...rest, identity }) !== never);
}

const source = (fields: NonNullable<NonNullable<AuthorizationPolicyRule['from']>[number]['source']>) => ({
  from: [{ source: fields }],
});

describe('what some identity satisfies, a candidate does', () => {
  test.each<[string, AuthorizationPolicyRule]>([
    ['no condition', {}],
    ['a namespace', source({ namespaces: ['team-a'] })],
    ['a namespace by pattern', source({ namespaces: ['team-*', '*-prod'] })],
    ['a principal', source({ principals: ['corp.example/ns/team-a/sa/x'] })],
    ['a principal of the pointer to the trust domain', source({ principals: ['cluster.local/ns/team-a/sa/x'] })],
    ['a principal of another trust domain', source({ principals: ['partner.example/ns/team-a/sa/x'] })],
    ['a principal by prefix', source({ principals: ['corp.example/ns/te*'] })],
    ['by the whole namespace', source({ principals: ['corp.example/ns/team-a/*'] })],
    ['by prefix of the account', source({ principals: ['corp.example/ns/team-a/sa/ba*'] })],
    ['by prefix of the trust domain', source({ principals: ['partner*'] })],
    ['by its ending', source({ principals: ['*/ns/team-a/sa/x'] })],
    ['by the ending of the account', source({ principals: ['*-batch'] })],
    ['by the ending of the namespace', source({ principals: ['*team-a/sa/x'] })],
    ['by the ending of the trust domain', source({ principals: ['*.example/ns/team-a/sa/x'] })],
    ['a service account', source({ serviceAccounts: ['team-a/x'] })],
    ['a trust domain', source({ trustDomains: ['partner.example'] })],
    ['a trust domain by pattern', source({ trustDomains: ['partner*'] })],
    ['all that is not excluded', source({ notNamespaces: ['team-a'], notPrincipals: ['corp.example/ns/b/sa/x'] })],
    [
      'namespace and principal together',
      source({ namespaces: ['team-*'], principals: ['corp.example/ns/team-a/sa/x'] }),
    ],
    [
      'attributes',
      {
        when: [
          { key: 'source.namespace', values: ['team-a'] },
          { key: 'source.serviceAccount', values: ['team-a/x', 'team-b/y'] },
          { key: 'source.principal', values: ['*/y', '*/x'] },
          { key: 'source.trustDomain', values: ['corp.*'] },
        ],
      },
    ],
  ])('%s', (_, rule) => {
    expect(isSatisfied(rule)).toBe(true);
  });

  test('an account without namespace, where clients live beside the policy', () => {
    expect(isSatisfied(source({ serviceAccounts: ['x'] }), 'own')).toBe(true);
    expect(isSatisfied(source({ serviceAccounts: ['x'] }))).toBe(false);
  });
});

test.each<[string, AuthorizationPolicyRule]>([
  ['two namespaces at once', source({ namespaces: ['team-a'], serviceAccounts: ['team-b/x'] })],
  ['what is excluded at the same time', source({ namespaces: ['team-a'], notNamespaces: ['team-*'] })],
  ['a star that stands for itself', source({ principals: ['*/ns/team-a/*'] })],
])('no candidate satisfies %s', (_, rule) => {
  expect(isSatisfied(rule)).toBe(false);
});
