import { describe, expect, test } from 'vitest';
import { discriminatorsOf } from '../../src/istio/authorization-discriminators.ts';

describe('the service accounts that a principal tells apart', () => {
  // pilot/pkg/security/authz/matcher/string.go: exact, prefix, or suffix; a leading `*` makes the rest literal
  test.each<[principal: string, accounts: readonly string[]]>([
    ['cluster.local/ns/team-a/sa/batch', ['team-a/batch']],
    ['cluster.local/ns/team-a/sa/ba*', ['team-a/ba*']],
    ['cluster.local/ns/team-a/sa/*', []],
    ['cluster.local/ns/team-a/*', []],
    ['cluster.local/*', []],
    ['*', []],
    ['*/ns/team-a/sa/batch', ['team-a/batch']],
    ['*/sa/batch', ['*/batch']],
    ['*/batch', ['*/batch']],
    ['*ch', ['*/*ch']],
    ['*/ns/team-a/sa/*', []], // no account is called `*`
    ['*a*', []],
  ])('%j: %j', (principal, accounts) => {
    for (const source of [{ principals: [principal] }, { notPrincipals: [principal] }]) {
      const { serviceAccounts } = discriminatorsOf({ from: [{ source }] }, 'istio-egress');
      expect(serviceAccounts.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual(accounts);
    }
  });
});
