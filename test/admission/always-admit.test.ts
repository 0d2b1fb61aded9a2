import { describe, expect, test } from 'vitest';
import { type AdmitReason, admitReasons, alwaysAdmit } from '../../src/admission/always-admit.ts';
import { judgedKinds } from '../../src/admission/judged-kinds.ts';
import { parseReview } from '../../src/admission/review.ts';
import { readResource } from '../../src/istio/read-resource.ts';
import { sample, sampleNames, sampleWith } from './harness.ts';

const isTerminating = (namespace: string): boolean => namespace === 'going';

/** The reason for a request that is `sample` with other fields. */
function reasonFor(name: string, fields: Record<string, unknown> = {}): AdmitReason | undefined {
  return alwaysAdmit(parseReview(sampleWith(name, fields)), isTerminating);
}

const spec = { hosts: ['a'], http: [{ timeout: '1s', route: [{ destination: { host: 'b' } }] }] };
const sameSpec = { http: [{ route: [{ destination: { host: 'b' } }], timeout: '1s' }], hosts: ['a'] };

/** The reason for an update between two objects. */
function updateReason(oldObject: object, object: object): AdmitReason | undefined {
  return reasonFor('virtualservice-v1-update', { oldObject, object });
}

describe('an update', () => {
  test.each<[string, object, object]>([
    ['nothing', { spec }, { spec: sameSpec }],
    ['the order of fields', { spec }, { spec: sameSpec }],
    ['an annotation of another tool', { spec }, { spec, metadata: { annotations: { 'example.com/a': '1' } } }],
    ['a finalizer', { spec, metadata: { finalizers: ['a'], labels: {} } }, { spec, metadata: { labels: {} } }],
    ['managed fields and version', { metadata: { resourceVersion: '1' } }, { metadata: { managedFields: [] } }],
    ['the status', { spec, status: { a: 1 } }, { spec, status: { a: 2 } }],
  ])('of %s is admitted', (_name, oldObject, object) => {
    expect(updateReason(oldObject, object)).toBe('unchanged');
  });

  test.each<[string, object, object]>([
    ['the spec', { spec }, { spec: { ...spec, hosts: ['b'] } }],
    ['the order of a list', { spec: { hosts: ['a', 'b'] } }, { spec: { hosts: ['b', 'a'] } }],
    ['a label', { metadata: { labels: { a: '1' } } }, { metadata: { labels: { a: '2' } } }],
    ['a label that goes', { metadata: { labels: { a: '1' } } }, { metadata: {} }],
    ['dry run', { spec }, { spec, metadata: { annotations: { 'istio.io/dry-run': 'true' } } }],
    [
      'the visibility of a Service',
      { spec },
      { spec, metadata: { annotations: { 'networking.istio.io/exportTo': '.' } } },
    ],
    ['data of a kind without spec', { data: { mesh: 'a' } }, { data: { mesh: 'b' } }],
    [
      'the spec while it is being deleted',
      { spec, metadata: { deletionTimestamp: '2026-11-21T00:00:00Z', finalizers: ['a'] } },
      { spec: { hosts: [] }, metadata: { deletionTimestamp: '2026-11-21T00:00:00Z' } },
    ],
    ['a field named __proto__', JSON.parse('{"spec": {"a": {"__proto__": 1}}}'), { spec: { a: {} } }],
    ['a field named constructor', { spec: { a: { b: 1 } } }, JSON.parse('{"spec": {"a": {"constructor": 1}}}')],
  ])('of %s is judged', (_name, oldObject, object) => {
    expect(updateReason(oldObject, object)).toBeUndefined();
  });

  test('without an old object is judged', () => {
    expect(reasonFor('virtualservice-v1-update', { oldObject: null })).toBeUndefined();
  });
});

describe('a deletion', () => {
  test.each([
    'system:serviceaccount:kube-system:namespace-controller',
    'system:serviceaccount:kube-system:generic-garbage-collector',
    'system:kube-controller-manager',
  ])('by %s is admitted', (username) => {
    expect(reasonFor('gateway-v1-delete', { userInfo: { username } })).toBe('cleanup-controller');
    expect(reasonFor('gateway-v1-create', { userInfo: { username } })).toBeUndefined();
  });

  test('in a namespace that is being deleted is admitted', () => {
    expect(reasonFor('gateway-v1-delete', { namespace: 'going' })).toBe('terminating-namespace');
    expect(reasonFor('gateway-v1-create', { namespace: 'going' })).toBeUndefined();
  });

  test('of a user is judged', () => {
    expect(reasonFor('gateway-v1-delete')).toBeUndefined();
  });
});

describe("istiod's test of its own webhook", () => {
  const object = { metadata: { annotations: { 'internal.istio.io/webhook-always-reject': 'true' } } };

  test('is admitted', () => {
    expect(reasonFor('gateway-v1-create', { object, dryRun: true })).toBe('self-test-of-istiod');
  });

  test('does not help an object that will be stored', () => {
    expect(reasonFor('gateway-v1-create', { object, dryRun: false })).toBeUndefined();
  });
});

describe('what takes no part in egress', () => {
  test('is admitted', () => {
    expect(reasonFor('virtualservice-v1-status-subresource')).toBe('subresource');
    expect(reasonFor('gateway-v1-create', { kind: { group: '', version: 'v1', kind: 'Secret' } })).toBe('unknown-kind');
    expect(reasonFor('gateway-v1-create', { kind: { group: 'x', version: 'v1', kind: 'Gateway' } })).toBe(
      'unknown-kind',
    );
    expect(reasonFor('gateway-v1-create', { operation: 'CONNECT' })).toBe('unknown-operation');
  });

  test.each(['constructor', '__proto__', 'toString'])('a kind named %s is unknown', (kind) => {
    expect(reasonFor('gateway-v1-create', { kind: { group: 'networking.istio.io', kind } })).toBe('unknown-kind');
    expect(reasonFor('gateway-v1-create', { kind: { group: kind, kind } })).toBe('unknown-kind');
  });
});

test('of the samples, exactly those without effect are admitted unjudged', () => {
  const reasons = sampleNames.flatMap((name) => {
    const reason = alwaysAdmit(parseReview(JSON.parse(sample(name))), isTerminating);
    return reason ? [[name, reason]] : [];
  });
  expect(Object.fromEntries(reasons)).toEqual({
    'virtualservice-v1-apply-noop': 'unchanged',
    'virtualservice-v1-ssa-noop': 'unchanged',
    'virtualservice-v1-status-subresource': 'subresource',
  });
});

test('every reason is explained', () => {
  for (const explanation of Object.values(admitReasons)) expect(explanation).not.toBe('');
});

describe('every judged kind can be read', () => {
  const kinds = Object.entries(judgedKinds).flatMap(([group, names]) =>
    Object.entries(names).map(([name, kind]) => [group, name, kind] as const),
  );
  test.each(kinds)('%s %s', (group, name, kind) => {
    const apiVersion = group === '' ? 'v1' : `${group}/v1`;
    const metadata = { name: 'n', namespace: 'ns' };
    expect(readResource({ apiVersion, kind: name, metadata, spec: {} }, 0)).toMatchObject({ resource: { kind } });
  });
});
