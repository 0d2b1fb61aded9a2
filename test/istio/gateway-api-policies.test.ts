import { describe, expect, test } from 'vitest';
import {
  type DestinationRule,
  effectivePolicy,
  mergedPolicy,
  readDestinationRule,
} from '../../src/istio/destination-rule.ts';
import { generateDestinationRules, olderPolicyFirst } from '../../src/istio/gateway-api-policies.ts';
import { defaultMeshConfig } from '../../src/istio/mesh-config.ts';
import type { ResourceOf } from '../../src/istio/resources.ts';
import { resourceOf } from './manifest.ts';

type Policy = ResourceOf<'BackendTLSPolicy'>;

const target = {
  hosts: ['a.com', 'b.com'],
  ports: [
    { name: 'http', number: 80 },
    { name: 'other', number: 8080 },
  ],
};

function policyOf(name: string, validation: object, targetRef: object = {}, created = ''): Policy {
  const policy = resourceOf({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'BackendTLSPolicy',
    metadata: { namespace: 'ns', name, ...(created !== '' && { creationTimestamp: created }) },
    spec: {
      targetRefs: [{ group: 'networking.istio.io', kind: 'ServiceEntry', name: 'se', ...targetRef }],
      validation: { hostname: 'a.com', ...validation },
    },
  });
  if (policy.kind !== 'BackendTLSPolicy') throw new Error(policy.kind);
  return policy;
}

const system = { wellKnownCACertificates: 'System' };
const generate = (...policies: readonly Policy[]) =>
  generateDestinationRules(policies.toSorted(olderPolicyFirst), 'ServiceEntry', 'se', target);

test('there is one rule for each host, older than any other', () => {
  const rules = generate(policyOf('it', system));
  expect(rules.map(({ host, namespace }) => `${namespace} ${host}`)).toEqual(['ns a.com', 'ns b.com']);
  for (const { metadata, exportTo, subsets } of rules) {
    expect(metadata.created).toBe(Number.NEGATIVE_INFINITY);
    expect({ exports: exportTo.size, subsets }).toEqual({ exports: 0, subsets: [] });
  }
});

// backend_policies.go BackendTLSPolicyCollection, getBackendTLSCredentialName
test.each([
  [system, { sni: 'a.com', subjectAltNames: [] }],
  [{ caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'ca' }] }, { credentialName: 'configmap://ns/ca' }],
  [
    {
      ...system,
      subjectAltNames: [
        { type: 'Hostname', hostname: 'c.com' },
        { type: 'URI', uri: 'spiffe://x' },
      ],
    },
    { subjectAltNames: ['c.com', 'spiffe://x'] },
  ],
])('%j is SIMPLE with %j, at the validation', (validation, settings) => {
  const [rule] = generate(policyOf('it', validation));
  const { tls } = effectivePolicy(rule?.policy, undefined, 80);
  expect(tls).toMatchObject({ mode: 'SIMPLE', field: 'spec.validation', settings });
});

test('a section is one port; without it the policy is for all others', () => {
  const [rule] = generate(
    policyOf('one', { ...system, hostname: 'one.com' }, { sectionName: 'http' }),
    policyOf('rest', { ...system, hostname: 'rest.com' }),
  );
  const at = (port: number) => effectivePolicy(rule?.policy, undefined, port).tls;
  expect(at(80)).toMatchObject({ sni: 'one.com', resource: { metadata: { name: 'one' } } });
  expect(at(8080)).toMatchObject({ sni: 'rest.com', resource: { metadata: { name: 'rest' } } });
});

test('of several policies the oldest holds', () => {
  const [rule] = generate(
    policyOf('a-young', { ...system, hostname: 'young.com' }, {}, '2026-01-02T00:00:00Z'),
    policyOf('old', { ...system, hostname: 'old.com' }, {}, '2026-01-01T00:00:00Z'),
  );
  expect(effectivePolicy(rule?.policy, undefined, 80).tls?.sni).toBe('old.com');
});

/** A DestinationRule for the same host, of a user. */
function written(trafficPolicy: object): DestinationRule {
  const resource = resourceOf({
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { namespace: 'ns', name: 'own' },
    spec: { host: 'a.com', trafficPolicy },
  });
  if (resource.kind !== 'DestinationRule') throw new Error(resource.kind);
  return readDestinationRule(resource, defaultMeshConfig('istio-system'));
}

// pilot/pkg/model/destination_rule.go mergeBackendPolicyTrafficPolicy
describe('beside a DestinationRule it fills the gaps', () => {
  const connectionPool = { tcp: { maxConnections: 7 } };
  const generated = generate(
    policyOf('one', { ...system, hostname: 'one.com' }, { sectionName: 'http' }),
    policyOf('rest', { ...system, hostname: 'rest.com' }),
  );
  const merged = (trafficPolicy: object) => {
    const [rule] = generated;
    if (rule === undefined) throw new Error('no rule');
    const policy = mergedPolicy([rule, written(trafficPolicy)]);
    return (port: number) => {
      const { tls, withoutTls } = effectivePolicy(policy, undefined, port);
      return tls === undefined
        ? withoutTls?.field
        : `${tls.mode} ${tls.sni} ${tls.resource.metadata.name} ${tls.field}`;
    };
  };

  test.each([
    [
      'of everything but TLS',
      { connectionPool },
      'SIMPLE one.com one spec.validation',
      'SIMPLE rest.com rest spec.validation',
    ],
    [
      'of one port',
      { tls: { mode: 'MUTUAL' } },
      'SIMPLE one.com one spec.validation',
      'MUTUAL  own spec.trafficPolicy.tls',
    ],
    [
      'of all but one port',
      { portLevelSettings: [{ port: { number: 80 }, tls: { mode: 'MUTUAL' } }] },
      'MUTUAL  own spec.trafficPolicy.portLevelSettings[0].tls',
      'SIMPLE rest.com rest spec.validation',
    ],
    [
      'of a port with other settings',
      { portLevelSettings: [{ port: { number: 80 }, connectionPool }] },
      'SIMPLE one.com one spec.validation',
      'SIMPLE rest.com rest spec.validation',
    ],
    [
      'of no port that leaves TLS out and that it says nothing about',
      { portLevelSettings: [{ port: { number: 8080 }, connectionPool }] },
      'SIMPLE one.com one spec.validation',
      'spec.trafficPolicy.portLevelSettings[0]',
    ],
  ])('%s', (_, trafficPolicy, onPort, onOthers) => {
    expect([merged(trafficPolicy)(80), merged(trafficPolicy)(8080)]).toEqual([onPort, onOthers]);
  });

  test('the first of several that users wrote holds where there is none', () => {
    const [first, second] = [written({ tls: { mode: 'MUTUAL' } }), written({ tls: { mode: 'DISABLE' } })];
    expect(mergedPolicy([first, second])).toBe(first.policy);
  });
});

test('a section that is no port, and other targets, make no rule', () => {
  expect(generate(policyOf('it', system, { sectionName: 'nowhere' }))).toEqual([]);
  expect(generate(policyOf('it', system, { name: 'other' }))).toEqual([]);
  expect(generate(policyOf('it', system, { group: '', kind: 'Service' }))).toEqual([]);
});
