import { expect, test } from 'vitest';
import { isDiscovered } from '../../src/istio/discovery.ts';
import { defaultMeshConfig, readMeshConfig } from '../../src/istio/mesh-config.ts';
import type { Labels, Resource } from '../../src/istio/resources.ts';

const labelsOf = (namespace: string): Labels | undefined =>
  ({ inside: { mesh: 'yes' }, outside: { mesh: 'no' } })[namespace];

function entry(namespace: string, labels: Labels = {}): Resource {
  const metadata = { name: 'api', namespace, labels, annotations: {}, created: 0, place: 0 };
  return { kind: 'ServiceEntry', metadata, spec: { hosts: ['api.example.com'] } };
}

function config(...discoverySelectors: readonly object[]) {
  return readMeshConfig({ discoverySelectors }, defaultMeshConfig('istio-system'));
}

// pkg/kube/namespace/filter.go
test.each([
  ['without selectors', [], 'outside', true],
  ['by labels', [{ matchLabels: { mesh: 'yes' } }], 'inside', true],
  ['by labels of others', [{ matchLabels: { mesh: 'yes' } }], 'outside', false],
  ['by one of several selectors', [{ matchLabels: { a: 'b' } }, { matchLabels: { mesh: 'yes' } }], 'inside', true],
  ['by expression', [{ matchExpressions: [{ key: 'mesh', operator: 'In', values: ['yes'] }] }], 'outside', false],
  ['by name', [{ matchLabels: { 'kubernetes.io/metadata.name': 'outside' } }], 'outside', true],
  ['of which nothing is known', [{ matchLabels: { mesh: 'yes' } }], 'elsewhere', true],
] as const)('a namespace is selected %s', (_, selectors, namespace, expected) => {
  expect(isDiscovered(entry(namespace), { config: config(...selectors), revision: '', labelsOf })).toBe(expected);
});

// pkg/config/model.go `LabelsInRevision`
test.each([
  ['', undefined, true],
  ['', 'default', true],
  ['', 'canary', false],
  ['canary', 'canary', true],
  ['canary', undefined, true],
  ['canary', 'default', false],
])('a control plane of revision %j looks at what is for %j: %s', (revision, label, expected) => {
  const labels: Labels = label === undefined ? {} : { 'istio.io/rev': label };
  expect(isDiscovered(entry('inside', labels), { config: config(), revision, labelsOf })).toBe(expected);
});

test('the revision of a namespace is about injection', () => {
  const metadata = {
    name: 'team',
    namespace: '',
    labels: { 'istio.io/rev': 'canary' },
    annotations: {},
    created: 0,
    place: 0,
  };
  const namespace: Resource = { kind: 'Namespace', metadata, spec: {} };
  expect(isDiscovered(namespace, { config: config(), revision: '', labelsOf })).toBe(true);
});
