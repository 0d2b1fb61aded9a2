import { describe, expect, test } from 'vitest';
import { readResource } from '../../src/istio/read-resource.ts';
import type { Resource } from '../../src/istio/resources.ts';
import { fc } from '../fast-check.ts';

function read(raw: unknown): Resource {
  const result = readResource(raw, 7);
  if (!('resource' in result)) throw new Error(JSON.stringify(result));
  return result.resource;
}

function object(
  apiVersion: string,
  kind: string,
  spec: unknown = {},
  metadata: object = { name: 'x', namespace: 'ns' },
) {
  return { apiVersion, kind, metadata, spec };
}

describe('kinds', () => {
  const kinds: Record<string, [string, string, Resource['kind']]> = {
    'v1 of networking.istio.io': ['networking.istio.io/v1', 'VirtualService', 'VirtualService'],
    'v1beta1 is the same': ['networking.istio.io/v1beta1', 'ServiceEntry', 'ServiceEntry'],
    'v1alpha3 is the same': ['networking.istio.io/v1alpha3', 'DestinationRule', 'DestinationRule'],
    'a version that does not exist yet': ['security.istio.io/v2', 'AuthorizationPolicy', 'AuthorizationPolicy'],
    'a Gateway of Istio': ['networking.istio.io/v1', 'Gateway', 'Gateway'],
    'a Gateway of the Gateway API': ['gateway.networking.k8s.io/v1', 'Gateway', 'KubernetesGateway'],
    'a TLSRoute of an old version': ['gateway.networking.k8s.io/v1alpha2', 'TLSRoute', 'TLSRoute'],
    'the experimental ListenerSet': ['gateway.networking.x-k8s.io/v1alpha1', 'XListenerSet', 'ListenerSet'],
    'a Deployment declares pods': ['apps/v1', 'Deployment', 'Workload'],
    'a Pod is pods': ['v1', 'Pod', 'Workload'],
    'a Service': ['v1', 'Service', 'Service'],
  };
  test.each(Object.entries(kinds))('%s', (_, [apiVersion, kind, expected]) => {
    expect(read(object(apiVersion, kind)).kind).toBe(expected);
  });

  test.each([
    [
      'another API group with a kind of the same name',
      object('example.com/v1', 'Gateway'),
      'Gateway of example.com is not evaluated',
    ],
    [
      'an Istio kind outside the model',
      object('networking.istio.io/v1alpha3', 'EnvoyFilter'),
      'EnvoyFilter of networking.istio.io is not evaluated',
    ],
    [
      'a misspelt kind',
      object('networking.istio.io/v1', 'VirtualServices'),
      "VirtualServices of networking.istio.io is not evaluated; 'VirtualService' may be meant",
    ],
    ['a core kind', object('v1', 'Secret'), 'Secret is not evaluated'],
    ['Helm values', { replicaCount: 1 }, 'not a Kubernetes object'],
    ['a kind that is no text', { apiVersion: 'v1', kind: 3 }, 'not a Kubernetes object'],
    ['a list', [1], 'not a Kubernetes object'],
    ['nothing', null, 'not a Kubernetes object'],
  ])('%s is ignored', (_, raw, ignored) => {
    expect(readResource(raw, 0)).toEqual({ ignored });
  });
});

describe('metadata', () => {
  function metadata(fields: object) {
    return read(object('v1', 'Service', {}, fields)).metadata;
  }

  test('the namespace is `default` where none is written', () => {
    expect(metadata({ name: 'x' }).namespace).toBe('default');
  });

  test('a Namespace stands in no namespace', () => {
    const namespace = read({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'team-a', namespace: 'odd', labels: { 'istio-injection': 'enabled' } },
    });
    expect(namespace.metadata).toMatchObject({
      name: 'team-a',
      namespace: '',
      labels: { 'istio-injection': 'enabled' },
    });
  });

  test('a generated name stands for the name that the API server will give', () => {
    expect(metadata({ generateName: 'api-' }).name).toBe('api-');
  });

  test('the creation time is in milliseconds, and infinitely late where there is none', () => {
    expect(metadata({ name: 'x', creationTimestamp: '2026-11-21T08:21:46Z' }).created).toBe(
      Date.UTC(2026, 10, 21, 8, 21, 46),
    );
    expect(metadata({ name: 'x', creationTimestamp: null }).created).toBe(Number.NEGATIVE_INFINITY);
    expect(metadata({ name: 'x', creationTimestamp: 'yesterday' }).created).toBe(Number.NEGATIVE_INFINITY);
  });

  test('the copy that kubectl keeps of the last apply is dropped', () => {
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', 'istio.io/dry-run': 'true' };
    expect(metadata({ name: 'x', annotations }).annotations).toEqual({ 'istio.io/dry-run': 'true' });
  });

  test('a label that is no text is told and left out', () => {
    const result = readResource(
      object('networking.istio.io/v1', 'Sidecar', {}, { name: 'x', labels: { app: 'a', version: 1 } }),
      0,
    );
    expect(result).toMatchObject({
      resource: { metadata: { labels: { app: 'a' } } },
      problems: [
        { path: "metadata.labels['version']", kind: 'wrong-type', message: "the number '1' where a string belongs" },
      ],
    });
  });

  test('a label named __proto__ is a label', () => {
    const raw: unknown = JSON.parse(
      '{"apiVersion":"v1","kind":"Service","metadata":{"name":"x","labels":{"__proto__":"a"}}}',
    );
    const { labels } = read(raw).metadata;
    expect(Object.getOwnPropertyNames(labels)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(labels)).toBe(Object.prototype);
  });

  test.each([
    ['no metadata', undefined, 'metadata is missing'],
    ['no name', { namespace: 'a' }, 'metadata.name is missing or no text'],
    ['a name that is a number', { name: 5 }, 'metadata.name is missing or no text'],
    ['a namespace that is a list', { name: 'x', namespace: [] }, 'metadata.namespace is no text'],
  ])('%s cannot be read', (_, fields, error) => {
    expect(readResource({ apiVersion: 'networking.istio.io/v1', kind: 'Gateway', metadata: fields }, 0)).toEqual({
      error,
    });
  });
});

describe('spec', () => {
  test('keeps what fits the schema and tells the rest', () => {
    const raw = object('networking.istio.io/v1', 'VirtualService', {
      hosts: ['a'],
      tls: [{ match: [{ sni_hosts: ['a'] }] }],
    });
    expect(readResource(raw, 0)).toMatchObject({
      resource: { spec: { hosts: ['a'], tls: [{ match: [{}] }] } },
      problems: expect.arrayContaining([
        expect.objectContaining({ path: 'spec.tls[0].match[0].sni_hosts', suggestion: 'sniHosts' }),
      ]),
    });
  });

  test('a missing or null spec is empty', () => {
    expect(
      read({ apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata: { name: 'x' } }).spec,
    ).toEqual({});
    expect(read(object('security.istio.io/v1', 'AuthorizationPolicy', null)).spec).toEqual({});
  });

  test('a misspelt `spec` is told', () => {
    const raw = { apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication', metadata: { name: 'x' }, specs: {} };
    expect(readResource(raw, 0)).toMatchObject({
      problems: [{ path: 'specs', kind: 'unknown-field', suggestion: 'spec' }],
    });
  });

  test('a Service keeps ports, selector and type; a port without number is left out', () => {
    const raw = object('v1', 'Service', {
      type: 'ExternalName',
      externalName: 'a.example.com',
      clusterIP: 'None',
      selector: { app: 'a', n: 1 },
      sessionAffinity: 'None',
      ports: [
        { name: 'https', port: 443, targetPort: 8443, protocol: 'TCP' },
        { name: 'none' },
        { port: 80, targetPort: 'web', appProtocol: 'http2' },
        { port: 0 },
      ],
    });
    expect(read(raw).spec).toEqual({
      type: 'ExternalName',
      externalName: 'a.example.com',
      clusterIP: 'None',
      selector: { app: 'a' },
      ports: [
        { name: 'https', port: 443, targetPort: 8443, protocol: 'TCP' },
        { port: 80, targetPort: 'web', appProtocol: 'http2' },
      ],
    });
  });

  test('pods of a Deployment are read from its template', () => {
    const raw = object('apps/v1', 'Deployment', {
      template: {
        metadata: { labels: { istio: 'egressgateway' }, annotations: { 'sidecar.istio.io/inject': 'true' } },
        spec: {
          serviceAccountName: 'egress',
          containers: [
            { ports: [{ name: 'https', containerPort: 8443 }] },
            { ports: [{ name: 'https', containerPort: 9 }, { containerPort: 80 }] },
          ],
          initContainers: [
            { ports: [{ name: 'init', containerPort: 1 }] },
            { restartPolicy: 'Always', ports: [{ name: 'proxy', containerPort: 15001 }] },
          ],
        },
      },
    });
    expect(read(raw).spec).toEqual({
      labels: { istio: 'egressgateway' },
      isProxyOnly: false,
      annotations: { 'sidecar.istio.io/inject': 'true' },
      serviceAccount: 'egress',
      containerPorts: { https: 8443, proxy: 15001 },
    });
  });

  test('a Pod without service account runs as `default`', () => {
    expect(read(object('v1', 'Pod', {}, { name: 'a', labels: { app: 'a' } })).spec).toMatchObject({
      labels: { app: 'a' },
      serviceAccount: 'default',
    });
  });
});

test('reads deeply nested values without throwing', () => {
  const deep: unknown = JSON.parse(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`);
  const raw = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: 'x', labels: { a: deep } },
    spec: { servers: [deep] },
  };
  expect(readResource(raw, 0)).toHaveProperty('resource');
});

test('reads any JSON without throwing', () => {
  const kind = fc.constantFrom(
    'Gateway',
    'VirtualService',
    'AuthorizationPolicy',
    'Service',
    'Pod',
    'Deployment',
    'Namespace',
    'HTTPRoute',
  );
  const apiVersion = fc.constantFrom(
    'networking.istio.io/v1',
    'security.istio.io/v1',
    'gateway.networking.k8s.io/v1',
    'v1',
    'apps/v1',
    '/',
  );
  const part = fc.oneof(
    fc.jsonValue(),
    fc.constant({ name: 'x' }),
    fc.record({ name: fc.constant('x'), labels: fc.jsonValue(), namespace: fc.jsonValue() }),
  );
  const field = fc.constantFrom(
    'hosts',
    'servers',
    'http',
    'tls',
    'ports',
    'template',
    'metadata',
    'spec',
    'containers',
    'selector',
    'rules',
  );
  const spec = fc.dictionary(field, fc.oneof(fc.jsonValue(), fc.array(fc.dictionary(field, fc.jsonValue()))));
  fc.assert(
    fc.property(
      fc.record({ apiVersion, kind, metadata: part, spec: fc.oneof(spec, fc.jsonValue()) }, { requiredKeys: [] }),
      (raw) => {
        expect(Object.keys(readResource(raw, 0))[0]).toMatch(/^(resource|ignored|error)$/);
      },
    ),
  );
  fc.assert(
    fc.property(fc.jsonValue(), (raw) => {
      expect(readResource(raw, 0)).toHaveProperty('ignored');
    }),
  );
});
