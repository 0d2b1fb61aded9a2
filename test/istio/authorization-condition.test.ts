import { describe, expect, test } from 'vitest';
import { compilePolicy, evaluatePolicy } from '../../src/istio/authorization.ts';
import { type Facts, noIdentity } from '../../src/istio/authorization-facts.ts';
import { certaintyOf, holds } from '../../src/istio/authorization-truth.ts';
import { specOf } from './manifest.ts';

const facts: Facts = {
  chain: 'tcp',
  identity: noIdentity,
  sni: undefined,
  sniIsClients: false,
  podPort: 8080,
  host: 'api.example.com',
  authority: 'api.example.com',
  authorityIsClients: true,
};

describe('a block of addresses', () => {
  // pilot/pkg/security/authz/model/generator.go srcIPGenerator, remoteIPGenerator; semantics of an address that is not known
  test.each<[what: string, source: object, address: string | undefined, met: boolean, certainty: string]>([
    ['contains the client', { ipBlocks: ['10.10.1.0/24'] }, '10.10.1.1', true, 'always'],
    ['is the client', { ipBlocks: ['10.10.1.1'] }, '10.10.1.1', true, 'always'],
    ['does not contain the client', { ipBlocks: ['10.10.1.0/24'] }, '10.10.2.1', false, 'never'],
    ['one of several does', { ipBlocks: ['10.10.1.0/24', '10.10.2.0/24'] }, '10.10.2.1', true, 'always'],
    ['is excluded', { notIpBlocks: ['10.10.1.0/24'] }, '10.10.1.1', false, 'never'],
    ['is excluded, and the client is elsewhere', { notIpBlocks: ['10.10.1.0/24'] }, '10.10.2.1', true, 'always'],
    ['may contain an unknown client', { ipBlocks: ['10.10.1.0/24'] }, undefined, false, 'depends'],
    ['of all addresses contains an unknown client', { ipBlocks: ['0.0.0.0/0'] }, undefined, true, 'depends'],
    ['behind proxies is another', { remoteIpBlocks: ['10.10.1.0/24'] }, '10.10.1.1', false, 'depends'],
  ])('%s', (_, source, address, met, certainty) => {
    const policy = specOf('AuthorizationPolicy', { action: 'DENY', rules: [{ from: [{ source }] }] });
    const compiled = compilePolicy(policy, { trustDomain: 'cluster.local', trustDomainAliases: [] });
    const truth = evaluatePolicy(compiled, { ...facts, ...(address !== undefined && { clientAddress: address }) });
    expect(holds(truth)).toBe(met);
    expect(certaintyOf(truth)).toBe(certainty);
  });

  test.each([
    ['source.ip', 'always'],
    ['remote.ip', 'depends'],
    ['destination.ip', 'depends'], // the address of the gateway's pod
  ])('of `when` %s: %s', (key, certainty) => {
    const rules = [{ when: [{ key, values: ['10.10.1.1'] }] }];
    const policy = specOf('AuthorizationPolicy', { action: 'DENY', rules });
    const compiled = compilePolicy(policy, { trustDomain: 'cluster.local', trustDomainAliases: [] });
    expect(certaintyOf(evaluatePolicy(compiled, { ...facts, clientAddress: '10.10.1.1' }))).toBe(certainty);
  });
});
