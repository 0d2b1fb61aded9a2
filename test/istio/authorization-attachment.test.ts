import { describe, expect, test } from 'vitest';
import { attaches, isDryRun } from '../../src/istio/authorization-attachment.ts';
import type { AuthorizationPolicySpec } from '../../src/istio/resources.gen.ts';
import type { ResourceOf } from '../../src/istio/resources.ts';

function policy(namespace: string, spec: AuthorizationPolicySpec): ResourceOf<'AuthorizationPolicy'> {
  const metadata = { name: 'p', namespace, labels: {}, annotations: {}, created: 0, place: 0 };
  return { kind: 'AuthorizationPolicy', metadata, spec };
}

const classic = { namespace: 'istio-egress', labels: { istio: 'egress', app: 'gw' }, rootNamespace: 'istio-system' };
const managed = {
  namespace: 'istio-egress',
  labels: { 'gateway.networking.k8s.io/gateway-name': 'egress' },
  rootNamespace: 'istio-system',
};
const toGateway = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'egress' };

describe('attaches', () => {
  // pilot/pkg/model/authorization.go ListAuthorizationPolicies, policyattachment.go ShouldAttachPolicy
  test.each([
    ['a policy in the gateway namespace without selector', 'istio-egress', {}, true],
    ['a policy in the root namespace without selector', 'istio-system', {}, true],
    ['a policy in an application namespace', 'team-a', {}, false],
    [
      'a selector within the labels of the pod',
      'istio-egress',
      { selector: { matchLabels: { istio: 'egress' } } },
      true,
    ],
    ['an empty selector', 'istio-egress', { selector: {} }, true],
    ['a selector with another value', 'istio-egress', { selector: { matchLabels: { istio: 'x' } } }, false],
    [
      'a selector with one label too many',
      'istio-egress',
      { selector: { matchLabels: { istio: 'egress', a: 'b' } } },
      false,
    ],
    ['a selector in the root namespace', 'istio-system', { selector: { matchLabels: { app: 'gw' } } }, true],
    ['any targetRef: it is ignored on pods of a classic gateway', 'istio-egress', { targetRefs: [toGateway] }, false],
    ['an empty list of targetRefs', 'istio-egress', { targetRefs: [] }, true],
  ])('to a classic gateway: %s', (_, namespace, spec, expected) => {
    expect(attaches(policy(namespace, spec), classic)).toBe(expected);
  });

  test.each([
    ['its targetRef', 'istio-egress', { targetRefs: [toGateway] }, true],
    ['its deprecated single targetRef', 'istio-egress', { targetRef: toGateway }, true],
    ['one of several targetRefs', 'istio-egress', { targetRefs: [{ ...toGateway, name: 'other' }, toGateway] }, true],
    ['a targetRef to another Gateway', 'istio-egress', { targetRefs: [{ ...toGateway, name: 'other' }] }, false],
    [
      'a targetRef of another group',
      'istio-egress',
      { targetRefs: [{ ...toGateway, group: 'networking.istio.io' }] },
      false,
    ],
    [
      'a targetRef to a Service',
      'istio-egress',
      { targetRefs: [{ group: '', kind: 'Service', name: 'egress' }] },
      false,
    ],
    ['a targetRef from the root namespace', 'istio-system', { targetRefs: [toGateway] }, false],
    ['a targetRef into another namespace', 'istio-egress', { targetRefs: [{ ...toGateway, namespace: 'x' }] }, false],
    [
      'a targetRef that names its own namespace',
      'istio-egress',
      { targetRefs: [{ ...toGateway, namespace: 'istio-egress' }] },
      true,
    ],
    // features.EnableSelectorBasedK8sGatewayPolicy: true by default
    ['no selector and no targetRef', 'istio-egress', {}, true],
    ['a selector that its pods have', 'istio-system', { selector: { matchLabels: managed.labels } }, true],
    ['a selector that its pods lack', 'istio-egress', { selector: { matchLabels: { istio: 'egress' } } }, false],
  ])('to a Gateway API gateway: %s', (_, namespace, spec, expected) => {
    expect(attaches(policy(namespace, spec), managed)).toBe(expected);
  });
});

describe('isDryRun', () => {
  // pilot/pkg/security/authz/builder/builder.go isDryRun, Go strconv.ParseBool
  test.each([
    ['1', true],
    ['t', true],
    ['T', true],
    ['true', true],
    ['TRUE', true],
    ['True', true],
    ['tRue', false],
    ['yes', false],
    ['false', false],
    ['', false],
  ])('%j: %j', (value, expected) => {
    expect(isDryRun({ 'istio.io/dry-run': value })).toBe(expected);
  });

  test('false without the annotation', () => {
    expect(isDryRun({})).toBe(false);
  });
});
